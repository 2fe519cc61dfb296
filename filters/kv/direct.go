package kv

import "millrace/pipeline/event"

// replaced is a field that the event had before a pair took its place.
type replaced struct {
	at  int
	old event.Value
}

// intoRoot puts the pairs of a text straight into the event and returns their number. It does what collecting them first does, at half the
// price; where it cannot, because a key is more than a plain name, the event is as it was and done is false. After errTimeout the event is
// as it was, too.
func (w *worker) intoRoot(e *event.Event, text string) (n int, done bool, err error) {
	sc := &w.scanner
	before := len(e.Root().Fields())
	w.replaced = w.replaced[:0]
	if !sc.begin(text) {
		return 0, true, w.tooLong()
	}
	others := e.Root().Marks()
	for {
		if parts := sc.run(w.parts[:]); len(parts) > 0 {
			n += len(parts)
			if !w.addParts(e, before, text, parts, &others) {
				w.undo(e, before)
				return 0, false, nil
			}
			if len(parts) == len(w.parts) {
				continue
			}
		}
		key, value, ok := sc.next()
		if !ok {
			break
		}
		if value == "" && !w.o.AllowEmptyValues {
			continue
		}
		if sc.odd || !w.addRoot(e, before, key, value) {
			w.undo(e, before)
			return 0, false, nil
		}
		n++
	}
	if err := w.tooLong(); err != nil {
		w.undo(e, before)
		return 0, true, err
	}
	return n, true, nil
}

func (w *worker) tooLong() error {
	if w.scanner.timedOut {
		return errTimeout
	}
	return nil
}

// addParts adds pairs whose keys differ, and differ from those added before. It reports whether that was possible.
func (w *worker) addParts(e *event.Event, before int, text string, parts []event.Part, others *event.Marks) bool {
	for len(parts) > 0 {
		if parts = parts[e.Root().AppendParts(text, parts, others):]; len(parts) == 0 {
			break
		}
		if p := &parts[0]; !w.addRoot(e, before, p.NameIn(text), p.TextIn(text)) {
			return false
		}
		parts = parts[1:]
	}
	return true
}

// addRoot adds one pair to an event that had so many fields before the first. It reports whether that was possible.
func (w *worker) addRoot(e *event.Event, before int, key, value string) bool {
	v := event.StringValue(value)
	at, added := e.AddPlain(key, v)
	switch {
	case added:
		return true
	case at < 0:
		return false
	}
	f := e.Root().At(at)
	if at < before && !w.isReplaced(at) {
		w.replaced = append(w.replaced, replaced{at, f.Val})
		f.Val = v
		return true
	}
	f.Val = w.both(e, f.Val, value, v)
	return true
}

func (w *worker) isReplaced(at int) bool {
	for i := range w.replaced {
		if w.replaced[i].at == at {
			return true
		}
	}
	return false
}

// undo makes the event what it was.
func (w *worker) undo(e *event.Event, before int) {
	e.Keep(before)
	for _, r := range w.replaced {
		e.Root().At(r.at).Val = r.old
	}
}
