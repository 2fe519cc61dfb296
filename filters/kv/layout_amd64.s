//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func runPairs(with *grammar, l *layout, text *byte, size, slash, pos int, last uint64, room *event.Part, count int, skipEmpty bool) (n, next int, name uint64)
//
// SI grammar, R13 layout, BX the last name, DI where the pair begins, R8 the last place where sixteen bytes may be loaded, R9 the end of
// the text, R12 the next backslash, R15 the part to write. Of one pair: AX its name, R10 and R11 where its value begins and ends, DX where
// the next pair begins.
TEXT ·runPairs(SB), NOSPLIT, $0-104
	MOVQ with+0(FP), SI
	MOVQ l+8(FP), R13
	MOVQ text+16(FP), DI
	MOVQ size+24(FP), R9
	MOVQ slash+32(FP), R12
	MOVQ last+48(FP), BX
	MOVQ room+56(FP), R15
	MOVQ grammar_separator(SI), X6
	PUNPCKLQDQ X6, X6
	ADDQ DI, R9
	ADDQ DI, R12
	ADDQ pos+40(FP), DI
	SHLQ $6, BX
	LEAQ layout_names(R13)(BX*1), BX

	// Bytes behind the end may be read as long as they are in the same page.
	LEAQ -1(R9), R8
	MOVQ R8, CX
	ANDQ $0xfff, CX
	CMPQ CX, $0xff0
	JLS  pair
	LEAQ -16(R9), R8

pair:
	CMPQ DI, R8
	JHI  out
	MOVBLZX name_next(BX), AX
	SHLQ $6, AX
	LEAQ layout_names(R13)(AX*1), AX
	MOVOU (DI), X0
	MOVOU name_word(AX), X1
	PCMPEQB X0, X1
	PMOVMSKB X1, CX
	MOVWLZX name_bits(AX), DX
	ANDL DX, CX
	CMPL CX, DX
	JNE  second

known:
	MOVBLZX name_size(AX), CX
	MOVL layout_turn(R13), DX
	CMPL CX, $16
	JCC  out
	CMPL name_turn(AX), DX
	JEQ  out
	LEAQ 1(DI)(CX*1), R10
	CMPQ R10, R9
	JCC  out
	MOVBLZX (R10), CX
	MOVBLZX grammar_closer(SI)(CX*1), CX
	MOVQ R10, R11
	TESTL CX, CX
	JNE  quoted

field:
	CMPQ R11, R8
	JHI  last
	MOVOU (R11), X2
	PCMPEQB X6, X2
	PMOVMSKB X2, CX
	BSFL CX, CX
	JNE  found
	ADDQ $16, R11
	JMP  field

last:
	CMPQ R11, R9
	JCS  out
clip:
	MOVQ R9, R11
	JMP  unquoted

found:
	ADDQ CX, R11
	CMPQ R11, R9
	JHI  clip

unquoted:
	LEAQ 1(R11), DX

value:
	CMPQ R11, R12
	JHI  out
	CMPQ R10, R11
	JEQ  empty

put:
	MOVL layout_turn(R13), CX
	MOVL CX, name_turn(AX)
	SUBQ R10, R11
	SUBQ text+16(FP), DI
	SUBQ text+16(FP), R10
	MOVBLZX name_size(AX), CX
	MOVQ DI, const_partName(R15)
	MOVQ CX, const_partNameLen(R15)
	MOVBLZX name_mark(AX), CX
	MOVQ R10, const_partText(R15)
	MOVQ R11, const_partTextLen(R15)
	MOVB CX, const_partMark(R15)
	ADDQ $const_partSize, R15
	MOVQ AX, BX
	MOVQ DX, DI
	DECQ count+64(FP)
	JNE  pair

out:
	MOVQ R15, AX
	SUBQ room+56(FP), AX
	XORL DX, DX
	MOVL $const_partSize, CX
	DIVQ CX
	MOVQ AX, n+80(FP)
	SUBQ text+16(FP), DI
	MOVQ DI, next+88(FP)
	MOVBLZX name_number(BX), BX
	MOVQ BX, name+96(FP)
	RET

empty:
	CMPB skipEmpty+72(FP), $0
	JEQ  put
	MOVQ AX, BX
	MOVQ DX, DI
	JMP  pair

quoted:
	CMPL CX, $0x20
	JEQ  out
	MOVQ $0x0101010101010101, DX
	IMULQ DX, CX
	MOVQ CX, X3
	PUNPCKLQDQ X3, X3
	INCQ R10
	INCQ R11
quote:
	CMPQ R11, R8
	JHI  out
	MOVOU (R11), X2
	PCMPEQB X3, X2
	PMOVMSKB X2, CX
	BSFL CX, CX
	JNE  closed
	ADDQ $16, R11
	JMP  quote

closed:
	ADDQ CX, R11
	CMPQ R11, R9
	JCC  out
	LEAQ 2(R11), DX
	LEAQ 1(R11), CX
	CMPQ CX, R9
	JEQ  value
	MOVBLZX (CX), CX
	MOVBLZX grammar_class(SI)(CX*1), CX
	TESTL $const_isField, CX
	JNE  value
	JMP  out

second:
	MOVBLZX (DI), CX
	MOVBLZX grammar_class(SI)(CX*1), CX
	TESTL $const_isSplit, CX
	JNE  skip
	MOVBLZX (name_next+1)(BX), AX
	SHLQ $6, AX
	LEAQ layout_names(R13)(AX*1), AX
	MOVOU name_word(AX), X1
	PCMPEQB X0, X1
	PMOVMSKB X1, CX
	MOVWLZX name_bits(AX), DX
	ANDL DX, CX
	CMPL CX, DX
	JEQ  known
	JMP  out

skip:
	INCQ DI
	JMP  pair
