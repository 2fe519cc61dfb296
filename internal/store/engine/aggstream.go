package engine

// termStream is the counted terms of one segment in their order.
type termStream struct {
	dict dictReader
	c    *ordCounts
	keys []uint64 // of sparse counts: ordinal<<32 | bucket
	at   int      // in keys, or the ordinal
	term string
	err  error
}

// load makes the next term from at on the current one; it reports false at the end.
func (t *termStream) load() bool {
	var ord uint32
	if t.c.dense != nil {
		for !t.c.zeros && t.at < len(t.c.dense) && t.c.dense[t.at] == 0 {
			t.at++
		}
		if t.at == len(t.c.dense) {
			return false
		}
		ord = uint32(t.at)
	} else {
		if t.at == len(t.keys) {
			return false
		}
		ord = uint32(t.keys[t.at] >> 32)
	}
	term, err := t.dict.termAt(ord)
	if err != nil {
		t.err = err
		return false
	}
	t.term = string(term)
	return true
}

// take calls add with the counts of the current term, and goes on to the next.
func (t *termStream) take(add func(bucket int, n int64)) bool {
	if t.c.dense != nil {
		add(0, int64(t.c.dense[t.at]))
		t.at++
		return t.load()
	}
	ord := t.keys[t.at] >> 32
	for ; t.at < len(t.keys) && t.keys[t.at]>>32 == ord; t.at++ {
		add(int(uint32(t.keys[t.at])), t.c.sparse[t.keys[t.at]])
	}
	return t.load()
}

// streamHeap has the stream of the least term on top.
type streamHeap []*termStream

func (h *streamHeap) push(t *termStream) {
	*h = append(*h, t)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].term < s[(i-1)/2].term; i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *streamHeap) pop() {
	s := *h
	s[0] = s[len(s)-1]
	*h = s[:len(s)-1]
	h.fix()
}

func (h *streamHeap) fix() {
	s := *h
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s) && s[down].term < s[least].term {
				least = down
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
