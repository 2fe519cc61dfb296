//go:build invariants

package event

// mangle fills what a finished event lent out with garbage, so that whoever kept an object or a list sees it in tests.
func mangle(e *Event) {
	garbage := StringValue("BUG: this value belongs to an event whose turn is over")
	for _, o := range e.objects[:e.nObjects] {
		for i := range o.fields {
			o.fields[i] = Field{"BUG", garbage}
		}
		o.index = nil
	}
	for _, l := range e.lists[:e.nLists] {
		for i := range l.items {
			l.items[i] = garbage
		}
	}
}
