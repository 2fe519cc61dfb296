package engine

import (
	"bytes"

	"millrace/internal/store/query"
)

// terms merges the dictionaries and postings, and returns how many terms all documents have together.
func (m *merger) terms(parts []*part, kind query.Kind) (uint64, error) {
	for _, p := range parts {
		p.dict.reset(m.in[p.i].src, &p.f.dict, kind == query.Text)
		p.more = p.dict.next()
		if kind == query.Keyword {
			p.ords = make([]uint32, p.f.dict.terms)
		}
	}
	var total uint64
	var term []byte
	for ord := uint32(0); ; {
		least := -1
		for i, p := range parts {
			if p.more && (least < 0 || bytes.Compare(p.dict.term, parts[least].dict.term) < 0) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		term = append(term[:0], parts[least].dict.term...)
		n, err := m.term(term, parts[least:], kind, ord)
		if err != nil {
			return 0, err
		}
		if total += n; n > 0 {
			ord++
		}
		if ord%4096 == 0 && m.ctx.Err() != nil {
			return 0, m.ctx.Err()
		}
	}
	for _, p := range parts {
		if p.dict.err != nil {
			return 0, p.dict.err
		}
	}
	return total, nil
}

// term writes one term from the parts that have it, and returns how often it occurs.
func (m *merger) term(term []byte, parts []*part, kind query.Kind, ord uint32) (uint64, error) {
	m.list, m.freqs, m.packed = m.list[:0], m.freqs[:0], m.packed[:0]
	for _, p := range parts {
		if !p.more || !bytes.Equal(p.dict.term, term) {
			continue
		}
		if p.ords != nil {
			p.ords[p.dict.info.ord] = ord
		}
		if err := m.occurrences(p, kind == query.Text); err != nil {
			return 0, err
		}
		p.more = p.dict.next()
	}
	if len(m.list) == 0 {
		return 0, nil
	}
	m.w.addTerm(term, m.list, m.freqs, m.packed)
	if kind == query.Keyword {
		return uint64(len(m.list)), nil
	}
	total := uint64(0)
	for _, f := range m.freqs {
		total += uint64(f)
	}
	return total, nil
}

// occurrences appends what a part has of its current term.
func (m *merger) occurrences(p *part, text bool) error {
	v := &m.in[p.i]
	t := p.dict.info
	if err := v.list(p.f, &t, &m.p, &m.bufs[p.i]); err != nil {
		return err
	}
	from := len(m.list)
	var err error
	if m.list, m.freqs, err = m.p.rest(m.list, m.freqs); err != nil {
		return err
	}
	if m.maps[p.i] == nil {
		base := m.bases[p.i]
		for i := range m.list[from:] {
			m.list[from+i] += base
		}
	}
	if text {
		pos, err := v.positions(&t, &m.bufs[p.i])
		if err != nil {
			return err
		}
		if m.maps[p.i] == nil {
			m.packed = append(m.packed, pos...)
		} else if err := m.livePositions(p.i, from, pos); err != nil {
			return err
		}
	}
	if m.maps[p.i] != nil {
		m.dropDeleted(p.i, from)
	}
	return nil
}

// livePositions appends the positions of the documents from a place of the list on that were not deleted.
func (m *merger) livePositions(i, from int, pos []byte) error {
	for j, doc := range m.list[from:] {
		n := skipVarints(pos, m.freqs[from+j])
		if n < 0 {
			return corrupt("positions")
		}
		if m.maps[i][doc] != gone {
			m.packed = append(m.packed, pos[:n]...)
		}
		pos = pos[n:]
	}
	return nil
}

// skipVarints returns the length of n numbers, -1 if there are not as many.
func skipVarints(p []byte, n uint32) int {
	at := 0
	for ; n > 0; n-- {
		for {
			if at == len(p) {
				return -1
			}
			at++
			if p[at-1] < 0x80 {
				break
			}
		}
	}
	return at
}

func (m *merger) dropDeleted(i, from int) {
	kept := from
	for j := from; j < len(m.list); j++ {
		if to := m.maps[i][m.list[j]]; to != gone {
			m.list[kept], m.freqs[kept] = to, m.freqs[j]
			kept++
		}
	}
	m.list, m.freqs = m.list[:kept], m.freqs[:kept]
}
