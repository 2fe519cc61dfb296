//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func runPairs(with *grammar, l *layout, text *byte, size, slash, pos int, last uint64, room *event.Part, count int, skipEmpty bool) (n, next int, name uint64)
//
// SI grammar, R9 text, R13 layout, R8 turn, BX the last name, R15 the part to write, R12 the last place where sixteen bytes may be loaded.
// Of one pair: DI where it begins, AX its name, R10 and R11 where its value begins and ends, DX where the next begins. Places are counted
// from the beginning of the text.
TEXT ·runPairs(SB), NOSPLIT, $0-104
	MOVQ with+0(FP), SI
	MOVQ l+8(FP), R13
	MOVQ text+16(FP), R9
	MOVQ pos+40(FP), DI
	MOVQ last+48(FP), BX
	MOVQ room+56(FP), R15
	MOVL layout_turn(R13), R8
	MOVQ grammar_separator(SI), X6
	PUNPCKLQDQ X6, X6
	SHLQ $6, BX
	LEAQ layout_names(R13)(BX*1), BX

	// Bytes behind the end may be read as long as they are in the same page.
	MOVQ size+24(FP), R12
	DECQ R12
	LEAQ (R9)(R12*1), CX
	ANDQ $0xfff, CX
	CMPQ CX, $0xff0
	JLS  pair
	SUBQ $15, R12

pair:
	CMPQ DI, R12
	JGT  out
	MOVBLZX name_next(BX), AX
	SHLQ $6, AX
	LEAQ layout_names(R13)(AX*1), AX
	MOVOU (R9)(DI*1), X0
	MOVOU name_word(AX), X1
	PCMPEQB X0, X1
	PMOVMSKB X1, CX
	MOVL name_bits(AX), DX
	ANDL DX, CX
	CMPL CX, DX
	JNE  second

known:
	CMPL name_turn(AX), R8
	JEQ  out
	MOVWLZX name_size(AX), CX
	MOVW CX, const_partNameLen(R15)
	MOVBLZX CX, CX
	LEAQ 1(DI)(CX*1), R10
	CMPQ R10, size+24(FP)
	JGE  out
	MOVBLZX (R9)(R10*1), CX
	MOVBLZX grammar_closer(SI)(CX*1), CX
	MOVQ R10, R11
	TESTL CX, CX
	JNE  quoted

field:
	CMPQ R11, R12
	JGT  last
	MOVOU (R9)(R11*1), X2
	PCMPEQB X6, X2
	PMOVMSKB X2, CX
	BSFL CX, CX
	JNE  found
	ADDQ $16, R11
	JMP  field

last:
	CMPQ R11, size+24(FP)
	JLT  out

clip:
	MOVQ size+24(FP), R11
	JMP  unquoted

found:
	ADDQ CX, R11
	CMPQ R11, size+24(FP)
	JGT  clip

unquoted:
	LEAQ 1(R11), DX

value:
	CMPQ R11, slash+32(FP)
	JGT  out
	SUBQ R10, R11
	JEQ  empty

put:
	MOVL R8, name_turn(AX)
	MOVQ DI, const_partName(R15)
	MOVQ R10, const_partText(R15)
	MOVQ R11, const_partTextLen(R15)
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
	CMPQ R11, R12
	JGT  out
	MOVOU (R9)(R11*1), X2
	PCMPEQB X3, X2
	PMOVMSKB X2, CX
	BSFL CX, CX
	JNE  closed
	ADDQ $16, R11
	JMP  quote

closed:
	ADDQ CX, R11
	LEAQ 1(R11), CX
	LEAQ 2(R11), DX
	CMPQ CX, size+24(FP)
	JEQ  value
	JGT  out
	MOVBLZX (R9)(CX*1), CX
	MOVBLZX grammar_class(SI)(CX*1), CX
	TESTL $const_isField, CX
	JNE  value
	JMP  out

second:
	MOVBLZX (R9)(DI*1), CX
	MOVBLZX grammar_class(SI)(CX*1), CX
	TESTL $const_isSplit, CX
	JNE  skip
	MOVBLZX (name_next+1)(BX), AX
	SHLQ $6, AX
	LEAQ layout_names(R13)(AX*1), AX
	MOVOU name_word(AX), X1
	PCMPEQB X0, X1
	PMOVMSKB X1, CX
	MOVL name_bits(AX), DX
	ANDL DX, CX
	CMPL CX, DX
	JEQ  known
	JMP  out

skip:
	INCQ DI
	JMP  pair
