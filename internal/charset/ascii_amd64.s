//go:build !purego

#include "textflag.h"

// func isASCII(s string) bool
TEXT ·isASCII(SB), NOSPLIT, $0-17
	MOVQ s_base+0(FP), SI
	MOVQ s_len+8(FP), CX
	XORL AX, AX
	CMPQ CX, $16
	JLT  small
	LEAQ -16(SI)(CX*1), DI // the last sixteen bytes, which may overlap those before
	MOVOU (DI), X0

loop:
	MOVOU (SI), X1
	POR  X1, X0
	ADDQ $16, SI
	CMPQ SI, DI
	JCS  loop
	PMOVMSKB X0, AX
	JMP  done

small:
	CMPQ CX, $8
	JLT  bytes
	MOVQ (SI), AX
	ORQ  -8(SI)(CX*1), AX
	MOVQ $0x8080808080808080, DX
	ANDQ DX, AX
	JMP  done

bytes:
	TESTQ CX, CX
	JEQ  done
	MOVBLZX -1(SI)(CX*1), DX
	ORL  DX, AX
	DECQ CX
	JMP  bytes

done:
	// AX is a mask of high bits, or bytes or-ed together
	MOVQ s_len+8(FP), CX
	CMPQ CX, $8
	JGE  mask
	ANDL $0x80, AX
mask:
	TESTQ AX, AX
	SETEQ ret+16(FP)
	RET
