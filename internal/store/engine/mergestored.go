package engine

// stored copies blocks of sources as they are, except those that are too small or have lost documents.
func (m *merger) stored() error {
	m.w.beginStored()
	var pending storedBuilder
	for i := range m.in {
		v := &m.in[i]
		var r storedReader
		r.reset(v.src, &v.stored)
		for b := range v.stored.raw {
			if err := m.ctx.Err(); err != nil {
				return err
			}
			first, end := v.stored.first[b], v.stored.first[b+1]
			if v.stored.raw[b] >= storedBlockBytes/2 && (v.deleted == nil || v.deleted.countRange(first, end) == 0) {
				p, err := v.src.view(v.stored.base+v.stored.offs[b], v.stored.offs[b+1]-v.stored.offs[b], &m.bufs[i])
				if err != nil {
					return err
				}
				pending.writeTo(m.w)
				m.w.storedBlock(p, v.stored.raw[b], end-first)
				continue
			}
			for doc := first; doc < end; doc++ {
				if m.to(i, doc) == gone {
					continue
				}
				source, err := r.source(doc)
				if err != nil {
					return err
				}
				pending.add(source)
			}
			if len(pending.blocks) > 0 {
				pending.hand(m.w)
			}
		}
	}
	pending.writeTo(m.w)
	return nil
}

func (m *merger) ids() error {
	i, r := 0, idReader{s: m.in[0].segment}
	return m.w.writeIDs(make([]uint64, 0, m.docs), func() ([]byte, error) {
		for {
			for r.next == m.in[i].docs {
				i++
				r = idReader{s: m.in[i].segment, buf: r.buf, id: r.id[:0]}
			}
			doc := r.next
			id, err := r.read()
			if err != nil || m.to(i, doc) != gone {
				return id, err
			}
		}
	})
}

func (m *merger) ownColumns() error {
	columns := [3][]int64{make([]int64, 0, m.docs), make([]int64, 0, m.docs), make([]int64, 0, m.docs)}
	for i := range m.in {
		v := &m.in[i]
		for k, c := range []*packedColumn{&v.times, &v.seqs, &v.vers} {
			var r packedReader
			r.reset(v.src, c)
			for doc := range v.docs {
				if m.to(i, doc) == gone {
					continue
				}
				x := r.at(doc)
				if c == &v.seqs {
					x += int64(doc)
				}
				columns[k] = append(columns[k], x)
			}
			if r.err != nil {
				return r.err
			}
		}
	}
	m.w.ownColumns(columns[0], columns[1], columns[2])
	return nil
}
