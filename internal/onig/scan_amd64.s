//go:build !purego

#include "textflag.h"

// What is at or below a blank ends a run of graphic characters.
DATA blank<>+0(SB)/8, $0x2020202020202020
DATA blank<>+8(SB)/8, $0x2020202020202020
GLOBL blank<>(SB), RODATA|NOPTR, $16

// NEXT goes on behind the sixteen bytes at DI, with those before the end, at BX, last: they overlap the ones before. It leaves the loop after them.
#define NEXT(loop) \
	CMPQ DI, BX     \
	JCC  none       \
	ADDQ $16, DI    \
	CMPQ DI, BX     \
	CMOVQHI BX, DI  \
	JMP  loop

// func findEither(p unsafe.Pointer, n int, word uint64) int
TEXT ·findEither(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ word+16(FP), X1
	PUNPCKLBW X1, X1
	PSHUFLW $0x55, X1, X2
	PSHUFLW $0x00, X1, X1
	PUNPCKLQDQ X1, X1
	PUNPCKLQDQ X2, X2
	MOVQ SI, DI
	LEAQ -16(SI)(CX*1), BX

either:
	MOVOU (DI), X0
	MOVO X0, X3
	PCMPEQB X1, X0
	PCMPEQB X2, X3
	POR X3, X0
	PMOVMSKB X0, DX
	TESTL DX, DX
	JNE found
	NEXT(either)

found:
	BSFL DX, DX
	SUBQ SI, DI
	ADDQ DI, DX
	MOVQ DX, ret+24(FP)
	RET

none:
	MOVQ CX, ret+24(FP)
	RET

// func findBlank(p unsafe.Pointer, n int) int
TEXT ·findBlank(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVOU blank<>(SB), X1
	MOVQ SI, DI
	LEAQ -16(SI)(CX*1), BX

graph:
	MOVOU (DI), X0
	MOVO X0, X3
	PMINUB X1, X3
	PCMPEQB X3, X0
	PMOVMSKB X0, DX
	TESTL DX, DX
	JNE found
	NEXT(graph)

found:
	BSFL DX, DX
	SUBQ SI, DI
	ADDQ DI, DX
	MOVQ DX, ret+16(FP)
	RET

none:
	MOVQ CX, ret+16(FP)
	RET
