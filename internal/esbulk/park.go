package esbulk

import "container/heap"

// parkHeap holds what failed, the first due in front.
type parkHeap []*parcel

func (h parkHeap) Len() int           { return len(h) }
func (h parkHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h parkHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *parkHeap) Push(x any) { *h = append(*h, x.(*parcel)) }

// Pop implements heap.Interface.
func (h *parkHeap) Pop() any {
	old := *h
	n := len(old) - 1
	p := old[n]
	old[n] = nil
	*h = old[:n]
	return p
}

func (h *parkHeap) push(p *parcel) { heap.Push(h, p) }
func (h *parkHeap) pop() *parcel   { return heap.Pop(h).(*parcel) }
