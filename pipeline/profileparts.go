package pipeline

import (
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// The first parts of every profile. The codecs follow, then the statements in the order of the config, and last the followers.
const (
	ownPart   = 0
	firstPart = 1
)

// profileParts numbers the parts of a program whose cost a profile tells.
func profileParts(p *program) []ProfilePart {
	l := partList{parts: []ProfilePart{{Kind: PartPipeline, Parent: -1}}}
	for i, in := range p.decoded {
		l.add(ProfilePart{Kind: PartDecode, Plugin: in.stats, Codec: p.codecs[i].Name, Place: in.place, Parent: -1})
	}
	l.statements(p.filters, -1)
	l.statements(p.outputs, -1)
	l.add(ProfilePart{Kind: PartFollowers, Parent: -1})
	return l.parts
}

type partList struct{ parts []ProfilePart }

func (l *partList) add(p ProfilePart) int {
	l.parts = append(l.parts, p)
	return len(l.parts) - 1
}

func (l *partList) statements(statements []statement, parent int) {
	for i := range statements {
		st := &statements[i]
		switch {
		case st.filter != nil:
			st.part = l.add(ProfilePart{Kind: PartFilter, Plugin: st.filter.stats, Place: st.filter.place, Parent: parent})
			l.patterns(st.filter.filter, st.part)
		case st.output != nil:
			part := ProfilePart{Kind: PartOutput, Plugin: st.output.stats, Place: st.output.place, Parent: parent}
			st.part = l.add(part)
			part.Kind = PartFlush
			l.add(part)
		}
		for j := range st.branches {
			a := &st.branches[j]
			a.part = l.add(ProfilePart{Kind: PartBranch, Place: a.place, Branch: a.kind, Head: a.text, Last: a.last, Parent: parent})
			l.statements(a.statements, a.part)
		}
	}
}

func (l *partList) patterns(f plugin.Filter, filter int) {
	pc, ok := f.(plugin.PatternCounter)
	if !ok {
		return
	}
	patterns := pc.PatternCounts()
	for i, p := range patterns {
		place := p.Place
		if place.File == nil {
			place = config.Place{File: l.parts[filter].Place.File, Span: l.parts[filter].Place.Span}
		}
		l.add(ProfilePart{
			Kind: PartPattern, Plugin: l.parts[filter].Plugin, Place: place, Parent: filter, Field: p.Field, Number: i + 1, Of: len(patterns),
		})
	}
}
