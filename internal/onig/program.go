package onig

// opcode is what an instruction does.
type opcode uint8

const (
	opMatch opcode = iota
	opFail
	opJump        // next; removed when the program is finished
	opByte        // the byte b
	opLit         // the text lit
	opWord        // the text lit, of at most 8 bytes
	opSeq         // several single bytes
	opTable       // what auto matches, the longest way
	opTraced      // the same, where the text is likely to begin like the last one
	opLongest     // the longest match of auto
	opSetByte     // one ASCII character of a class
	opSpanStops   // a run of everything but one or two bytes
	opSpanEscaped // a run of everything but one or two bytes, and of pairs that begin with b
	opSpanAll     // all the rest
	opSet         // one character of cls
	opSpanFast    // a run of cls measured byte by byte, never given back
	opSpanGraph   // the same, where nothing above the space ends it
	opSpanGreedy  // opSpanFast, given back character by character
	opSpan        // a run of cls measured in characters, never given back
	opSpanBack    // the same, given back character by character
	opSpanLazy    // a run of cls as short as possible
	opBranch      // next or alt, chosen by the byte that comes
	opPeek        // next if a byte of cls and then one of tab come, else alt
	opAlt         // one of several alternatives, chosen by the byte that comes
	opSave        // reg = position
	opSaveBoth    // reg, reg+1 = register alt, position
	opBeginText
	opBeginLine
	opEndLine
	opEndText
	opSemiEnd
	opWordBound
	opNotWordBound
	opStart
	opLookByte   // the same, for a class that a byte decides
	opLookSet    // the next or previous character belongs to cls, or does not
	opMark       // an atomic group or a look-around begins: reg = stack height, reg+1 = position
	opCut        // an atomic group ends: forget its alternatives
	opLookEnd    // a positive look-around ends: the same, and back to where it began
	opNegLook    // a negative look-around begins; alt is what follows it
	opNegEnd     // its body matched: fail
	opStepBack   // min characters back
	opAtMark     // the position is that of reg
	opBackref    // the text of one of list
	opCall       // the subroutine alt
	opReturn     // back to the caller
	opCond       // next if one of list took part, else alt
	opCluster    // an extended grapheme cluster
	opAbsent     // the longest text in which alt does not match
	opAbsentEnd  // the body of opAbsent matched
	opCountInit  // reg = 0
	opCountLoop  // body alt min to max times, then next
	opEmptyMark  // an iteration begins: reg = position
	opEmptyCheck // an iteration ends: alt if it was empty, else next
)

// What the byte that comes allows at an opBranch.
const (
	mayTake = 1 // the preferred way
	maySkip = 2 // the other one
)

// Flags of an instruction.
const (
	flagNeg     = 1 << iota // opLookSet
	flagBehind              // opLookSet
	flagEndOK               // spans: what follows may succeed at the end of the text
	flagFold                // opBackref
	flagUndo                // opMark in a pattern with calls; opCut when captures were made inside
	flagAscii               // opWordBound
	flagLazy                // opCountLoop
	flagUnbound             // spans: no limit
	flagGraph               // spans: the bytes that end the run are not above the space
	flagStops               // spans: word holds the bytes that end the run
	flagMemo                // an alternative that depends on the position only
)

// inst is one instruction. Instructions name their successor, so that none is needed to jump.
type inst struct {
	op    opcode
	b     byte
	flags uint16
	ends  uint8 // opBranch: mayTake and maySkip at the end of the text; opAlt: index of the list for the end of the text
	next  int32
	alt   int32
	reg   int32
	min   int32
	max   int32
	cls   *class
	auto  *automaton
	tab   *[256]uint8 // spans: bytes what follows may start with; opBranch, opAlt: the choice
	lit   string
	lists [][]int32 // opAlt: what each value of tab stands for
	memo  int32     // number of the first alternative in the memo, 0 if they are not remembered
	src   int32     // offset in the pattern
}
