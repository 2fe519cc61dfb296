package event

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestObjectKeepsItsFields: random sets and deletions around the number of fields at which the index takes over, against a plain list.
func TestObjectKeepsItsFields(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		e := New(nil)
		o := e.NewObject()
		var want []Field
		at := func(key string) int { return slices.IndexFunc(want, func(f Field) bool { return f.Key == key }) }
		names := indexFrom/2 + int(seed)*8
		for step := range 2000 {
			key := fmt.Sprintf("k%d", r.IntN(names))
			i := at(key)
			switch {
			case r.IntN(3) == 0:
				v, ok := o.Delete(key)
				require.Equal(t, i >= 0, ok)
				if ok {
					require.Equal(t, want[i].Val, v)
					want = slices.Delete(want, i, i+1)
				}
			case i >= 0:
				want[i].Val = IntValue(int64(step))
				o.Set(key, want[i].Val)
			default:
				want = append(want, Field{key, IntValue(int64(step))})
				o.Set(key, IntValue(int64(step)))
			}
			if step%100 == 0 { // a copy finds the same
				o = e.Own(ObjectValue(o)).Object()
			}
			require.Equal(t, len(want), o.Len())
			if v, ok := o.Get(key); at(key) >= 0 {
				require.Equal(t, want[at(key)].Val, v)
			} else {
				require.False(t, ok)
			}
		}
		text := "{"
		for i, f := range want {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("%q:%d", f.Key, f.Val.Int())
		}
		require.Equal(t, text+"}", string(o.AppendJSON(nil)))
		require.Equal(t, want, o.Fields())
		for i, f := range want {
			require.Equal(t, i, o.find(f.Key, markOf(f.Key)))
		}
	}
}

func TestHasBracket(t *testing.T) {
	for n := range 40 {
		name := []byte(strings.Repeat("Y", n))
		require.False(t, hasBracket(string(name)))
		for i := range name {
			for c := range 256 {
				name[i] = byte(c)
				require.Equal(t, c == '[' || c == ']', hasBracket(string(name)), "%q", name)
			}
			name[i] = '_'
		}
	}
}
