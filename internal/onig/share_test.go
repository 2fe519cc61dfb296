package onig

import (
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// programOf makes a Regexp that runs one program.
func programOf(t *testing.T, pattern string, use purpose) *Regexp {
	p, err := compile(pattern, 0, use)
	require.NoError(t, err, pattern)
	return &Regexp{program: func() *program { return p }}
}

// A pattern becomes the same program whatever was compiled before it.
func TestSharedPartsChangeNoProgram(t *testing.T) {
	lib := library(t)
	names := make([]string, 0, len(lib))
	for name := range lib {
		names = append(names, name)
	}
	slices.Sort(names)
	r := rand.New(rand.NewSource(3))
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	forget()
	for _, name := range names {
		p := lib[name]
		require.Equal(t, programOf(t, p, withPlaces).dump(), programOf(t, p, forSpeed).dump(), name)
	}
}

// Random patterns are made of few texts, so that most of their groups were read before, with and without names.
func TestSharedPartsChangeNoAnswer(t *testing.T) {
	g := &generator{r: rand.New(rand.NewSource(11)), exotic: true}
	parts := make([]string, 40)
	for i := range parts {
		parts[i] = "(?:" + g.pattern() + ")"
		if i%3 == 0 {
			parts[i] = "(" + g.pattern() + ")"
		}
	}
	for range 1500 {
		pattern := g.pick("", "(?<n>x)?", "(?i)", "(?m)") + g.pick(parts...) + g.pick("", "*", "?", "|") + g.pick(parts...) + g.pick("", "+?", "(?=a)") + g.pick(parts...)
		apart, err := compile(pattern, 0, withPlaces)
		if err != nil {
			_, want := Compile(pattern)
			require.Equal(t, want, err, pattern)
			continue
		}
		re := &Regexp{program: func() *program { return apart }}
		for range 4 {
			text := g.text()
			want, got := matchAnswer(limited(re), text), matchAnswer(limited(programOf(t, pattern, forSpeed)), text)
			if want != "timeout" && got != "timeout" {
				require.Equal(t, want, got, "%q on %q", pattern, text)
			}
		}
	}
}

func limited(re *Regexp) *Matcher {
	m := re.NewMatcher()
	m.SetTimeout(50 * time.Millisecond)
	return m
}
