// Package event holds what flows through a pipeline: batches of raw records as an input read them, and the events that a worker
// makes of them.
//
// Ownership follows one rule: an [Event], its objects and its lists belong to the worker that decodes it and are reused for the next
// one; strings belong to the garbage collector and never die early. So a plugin may keep any string, and must [Event.Clone] whatever
// else it keeps beyond its turn. Values that come from elsewhere (a dictionary, another event) enter an event through [Event.Own].
package event
