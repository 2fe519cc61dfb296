package pipeline

import "millrace/pipeline/config"

// TapPoint is a point of a pipeline at which events can be followed: behind an input, behind a filter, before an output, behind all
// inputs ("input") and before all outputs ("output").
type TapPoint struct {
	ID         string
	Kind       string   // input, filter, output
	Plugin     string   // its name; "" for all
	PluginID   string   // "" for all
	File       string   // where it stands in the config; "" for all
	Line       int      // from 1
	Conditions []string // the heads of the branches that it stands in, outermost first: "if [a]", "else"
}

// The points of all inputs and all outputs.
const (
	anyInput  = config.KindInput
	anyOutput = config.KindOutput
)

// tapPoint is where a follower stands; id is a plugin's, "" for all of a kind.
type tapPoint struct{ ID, kind, id string }

// TapPoints returns the points at which events can be followed, in the order of the events' way.
func (p *Pipeline) TapPoints() []TapPoint { return p.points }

// pointList makes the list of points of a config.
type pointList struct {
	points []TapPoint
	left   map[string][]*PluginStats // of a kind, in the order of the config
}

func tapPoints(files []*config.File, p *Pipeline) []TapPoint {
	l := pointList{left: map[string][]*PluginStats{
		config.KindInput: p.Inputs(), config.KindFilter: p.Filters(), config.KindOutput: p.Outputs(),
	}}
	for _, kind := range []string{config.KindInput, config.KindFilter, config.KindOutput} {
		if kind == config.KindOutput {
			l.points = append(l.points, TapPoint{ID: anyOutput, Kind: kind})
		}
		for _, f := range files {
			for _, s := range f.Sections {
				if s.Kind == kind {
					l.statements(f, s.Body, nil)
				}
			}
		}
		if kind == config.KindInput {
			l.points = append(l.points, TapPoint{ID: anyInput, Kind: kind})
		}
	}
	return l.points
}

func (l *pointList) statements(f *config.File, body []config.Statement, conditions []string) {
	for _, st := range body {
		switch st := st.(type) {
		case *config.PluginNode:
			l.plugin(st, conditions)
		case *config.IfNode:
			for _, br := range st.Branches {
				l.statements(f, br.Body, append(conditions[:len(conditions):len(conditions)], headText(f, br)))
			}
		}
	}
}

func (l *pointList) plugin(node *config.PluginNode, conditions []string) {
	left := l.left[node.Kind]
	if len(left) == 0 {
		panic("BUG: more plugins in the config than were compiled")
	}
	st := left[0]
	l.left[node.Kind] = left[1:]
	l.points = append(l.points, TapPoint{
		ID: node.Kind + ":" + st.ID, Kind: node.Kind, Plugin: st.Name, PluginID: st.ID,
		File: node.File.Name, Line: node.File.Position(node.Start).Line, Conditions: conditions,
	})
}
