package onig

import "math"

// nodeKind says what a node of the syntax tree matches.
type nodeKind uint8

const (
	nodeEmpty   nodeKind = iota
	nodeFail             // never matches
	nodeLit              // lit, byte for byte
	nodeClass            // one character of set
	nodeCat              // kids, one after the other
	nodeAlt              // one of kids, the first that leads to a match
	nodeRepeat           // kids[0], min to max times
	nodeGroup            // kids[0], captured as group
	nodeAtomic           // kids[0], without going back into it
	nodeLook             // kids[0] before or behind the position
	nodeAnchor           // a position
	nodeBackref          // the text of one of refs
	nodeCall             // the expression of group refs[0]
	nodeCond             // kids[0] if one of refs took part, else kids[1]
	nodeKeep             // the match starts here
	nodeAbsent           // the longest text in which kids[0] does not match
	nodeCluster          // one extended grapheme cluster
)

// repeatMode says in which order a repeat tries its counts.
type repeatMode uint8

const (
	greedy repeatMode = iota
	lazy
	possessive
)

// anchorKind is a position a nodeAnchor asks for.
type anchorKind uint8

const (
	anchorBeginText    anchorKind = iota // \A
	anchorBeginLine                      // ^
	anchorEndLine                        // $
	anchorEndText                        // \z
	anchorSemiEnd                        // \Z
	anchorWordBound                      // \b
	anchorNotWordBound                   // \B
	anchorStart                          // \G
)

// infinite is the max of a repeat without limit.
const infinite = math.MaxInt32

// node is one node of the syntax tree. Options in force (ignore case, dot matches newline, …) are already worked into it.
type node struct {
	kind   nodeKind
	mode   repeatMode
	anchor anchorKind
	ascii  bool // anchorWordBound: only ASCII letters count
	neg    bool // nodeLook: must not match
	behind bool // nodeLook: looks back
	fold   bool // nodeLit before expansion, nodeBackref: ignore case
	quant  bool // nodeRepeat: written directly as ?, *, + or a lazy one of these, so a further quantifier is merged with it

	min, max int // nodeRepeat
	group    int // nodeGroup: its number
	src      int // offset in the pattern
	end      int

	lit        string
	set        *charSet
	kids       []*node
	*reference // nodeBackref, nodeCall, nodeCond

	shared bool    // part of a tree that several patterns have in common: immutable
	simple *node   // what a shared group becomes when it is simplified
	before *before // nodeLook, nodeAnchor: what can stand in front of it, if that is known

	found found // what was found out about it
}

// reference says which groups a node refers to.
type reference struct {
	refs     []int
	name     string // as written, until groups are numbered
	number   int
	byName   bool
	level    int // a recursion level
	hasLevel bool
	inside   []*node // the groups it stands in
}

// found holds the answers to questions that are asked of a node again and again. Zero stands for not asked yet.
type found struct {
	empties verdict // emptyable
	plain   verdict // plainNode
	state   verdict // hasState
	looks   verdict // looksBefore
	ranged  bool
	least   int32    // charRange, if ranged
	most    int32    // charRange
	size    int32    // treeSize
	written int32    // writtenSize
	places  int32    // places
	ends    *byteSet // endsOf
	first   *follow  // followOf, for a node that has to consume something
}

// verdict is an answer: yes, no or not asked.
type verdict uint8

const (
	verdictNo  verdict = 1
	verdictYes verdict = 2
)

// ask returns the answer, after working it out by f if it is the first time.
func (v *verdict) ask(n *node, f func(*node) bool) bool {
	if *v == 0 {
		*v = verdictNo
		if f(n) {
			*v = verdictYes
		}
	}
	return *v == verdictYes
}

// clone returns a copy of n that may be changed.
func (n *node) clone() *node {
	k := *n
	k.found, k.shared, k.simple = found{}, false, nil
	return &k
}

func newCat(kids []*node) *node {
	switch len(kids) {
	case 0:
		return &node{kind: nodeEmpty}
	case 1:
		return kids[0]
	}
	return &node{kind: nodeCat, kids: kids, src: kids[0].src, end: kids[len(kids)-1].end}
}

func newAlt(kids []*node) *node {
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{kind: nodeAlt, kids: kids, src: kids[0].src, end: kids[len(kids)-1].end}
}

// Limits of the analyses below: lengths are counts of characters or bytes, and saturate.
const lengthLimit = 1 << 30

func addLength(a, b int) int { return min(a+b, lengthLimit) }

func mulLength(a, b int) int {
	if a != 0 && b > lengthLimit/a {
		return lengthLimit
	}
	return min(a*b, lengthLimit)
}
