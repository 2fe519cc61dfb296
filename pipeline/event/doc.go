// Package event holds what flows through a pipeline: batches of raw records as an input read them, and the events that a worker
// makes of them.
//
// Ownership follows one rule: an [Event], its objects and its lists belong to the worker that decodes it and are reused for the next
// one, so a plugin must [Event.Clone] what it keeps of them beyond its turn. Strings belong to the garbage collector, and a plugin may
// keep them, unless all plugins of a pipeline say that they do not: then the [Chunk] that texts lie in is filled anew. Values that come
// from elsewhere (a dictionary, another event) enter an event through [Event.Own].
package event
