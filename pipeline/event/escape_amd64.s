//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// What ESCAPES works with, sixteen times each.
DATA two<>+0(SB)/8, $0x0202020202020202
DATA two<>+8(SB)/8, $0x0202020202020202
GLOBL two<>(SB), RODATA|NOPTR, $16
DATA blank<>+0(SB)/8, $0x2020202020202020
DATA blank<>+8(SB)/8, $0x2020202020202020
GLOBL blank<>(SB), RODATA|NOPTR, $16
DATA slash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slash<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL slash<>(SB), RODATA|NOPTR, $16

#define CONSTANTS \
	MOVOU two<>(SB), X5   \
	MOVOU blank<>(SB), X6 \
	MOVOU slash<>(SB), X7 \
	PXOR X4, X4

// ESCAPES sets the bits of DX for those bytes of X0 that need an escape: a backslash, and what is 0x20 or less once its second bit is
// changed, for that makes a blank of a quote and leaves control characters what they are.
#define ESCAPES \
	MOVO X0, X1     \
	PXOR X5, X1     \
	PSUBUSB X6, X1  \
	PCMPEQB X4, X1  \
	PCMPEQB X7, X0  \
	POR X1, X0      \
	PMOVMSKB X0, DX

// COPY copies the CX bytes at SI to DI, a backslash before each quote and backslash, and goes on behind it with DI behind them. Sixteen
// bytes are stored before they are judged; what was stored too much is written over. The last sixteen are loaded beyond the end of the
// text, unless that might reach into a page that is not ours.
#define COPY(part, blocks, last, bytes, escape) \
part:                   \
	CMPQ CX, $16        \
	JCS  last           \
blocks:                 \
	MOVOU (SI), X0      \
	MOVOU X0, (DI)      \
	ESCAPES             \
	TESTL DX, DX        \
	JNZ  escape         \
	ADDQ $16, SI        \
	ADDQ $16, DI        \
	SUBQ $16, CX        \
	CMPQ CX, $16        \
	JCC  blocks         \
last:                   \
	LEAL 15(SI), R8     \
	TESTL $0xff0, R8    \
	JEQ  bytes          \
	MOVOU (SI), X0      \
	MOVOU X0, (DI)      \
	ESCAPES             \
	BTSL CX, DX         \
	BSFL DX, R8         \
	CMPL R8, CX         \
	JNE  escape         \
	ADDQ CX, DI

// REST is the rest of COPY, which goes on at end, or at fail when a control character is met.
#define REST(part, bytes, escape, byteEscape, end, fail) \
escape:                 \
	BSFL DX, R8         \
	MOVBLZX (SI)(R8*1), DX \
	CMPB DX, $0x20      \
	JCS  fail           \
	MOVB $0x5c, (DI)(R8*1) \
	MOVB DX, 1(DI)(R8*1)   \
	LEAQ 1(SI)(R8*1), SI   \
	LEAQ 2(DI)(R8*1), DI   \
	SUBQ R8, CX         \
	DECQ CX             \
	JMP  part           \
bytes:                  \
	TESTQ CX, CX        \
	JEQ  end            \
	MOVBLZX (SI), DX    \
	CMPB DX, $0x20      \
	JCS  fail           \
	CMPB DX, $0x22      \
	JEQ  byteEscape     \
	CMPB DX, $0x5c      \
	JEQ  byteEscape     \
	MOVB DX, (DI)       \
	INCQ SI             \
	INCQ DI             \
	DECQ CX             \
	JMP  bytes          \
byteEscape:             \
	MOVB $0x5c, (DI)    \
	MOVB DX, 1(DI)      \
	INCQ SI             \
	ADDQ $2, DI         \
	DECQ CX             \
	JMP  bytes

// func putText(dst *byte, s string) int
TEXT ·putText(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ s_base+8(FP), SI
	MOVQ s_len+16(FP), CX
	CONSTANTS
	COPY(part, blocks, last, bytes, escape)
end:
	SUBQ dst+0(FP), DI
	MOVQ DI, ret+24(FP)
	RET
fail:
	MOVQ $-1, ret+24(FP)
	RET
	REST(part, bytes, escape, byteEscape, end, fail)

// func putFields(dst, end *byte, fields *Field, count int, clock *timestampText) (n, done int)
//
// AX kind, BX clock, CX and R13 lengths of key and text, DI where to write, R9 the end of the last field, R10 and R11 fields and count,
// R12 end
TEXT ·putFields(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ end+8(FP), R12
	MOVQ fields+16(FP), R10
	MOVQ count+24(FP), R11
	MOVQ clock+32(FP), BX
	MOVQ DI, R9
	CONSTANTS

field:
	MOVBLZX (Field_Val+Value_kind)(R10), AX
	MOVQ (Field_Key+8)(R10), CX
	MOVQ (Field_Val+Value_num)(R10), R13
	CMPL AX, $const_String
	JEQ  room
	CMPL AX, $const_Int
	JEQ  whole
	CMPL AX, $const_Time
	JEQ  instant
	CMPL AX, $const_rawJSON
	JEQ  room
	CMPL AX, $const_hole
	JEQ  next
	CMPL AX, $const_Bool
	JNE  done
	JMP  short

whole:
	CMPQ R13, $const_maxPutInt
	JHI  done
	JMP  short

instant: // the text that the clock keeps, or none
	CMPQ timestampText_n(BX), $0
	JEQ  done
	CMPQ timestampText_sec(BX), R13
	JNE  done
	MOVL (Field_Val+Value_nsec)(R10), R8
	CMPL timestampText_nsec(BX), R8
	JNE  done

short:
	MOVL $const_shortRoom, R13

room:
	LEAQ (CX)(R13*1), R8
	LEAQ const_pairRoom(DI)(R8*2), R8
	CMPQ R8, R12
	JHI  done
	MOVQ Field_Key(R10), SI
	MOVW $0x222c, (DI) // ,"
	ADDQ $2, DI
	COPY(keyPart, keyBlocks, keyLast, keyBytes, keyEscape)
keyEnd:
	MOVL $0x223a22, (DI) // ":"
	MOVQ (Field_Val+Value_ptr)(R10), SI
	MOVQ (Field_Val+Value_num)(R10), CX
	CMPL AX, $const_String
	JNE  other
	ADDQ $3, DI
	COPY(part, blocks, last, bytes, escape)
end:
	MOVB $0x22, (DI)
	INCQ DI

written:
	MOVQ DI, R9

next:
	ADDQ $Field__size, R10
	DECQ R11
	JNZ  field

done:
	SUBQ dst+0(FP), R9
	MOVQ R9, n+40(FP)
	MOVQ count+24(FP), AX
	SUBQ R11, AX
	MOVQ AX, done+48(FP)
	RET
	REST(keyPart, keyBytes, keyEscape, keyByteEscape, keyEnd, done)
	REST(part, bytes, escape, byteEscape, end, done)

other:
	CMPL AX, $const_Int
	JEQ  digits
	CMPL AX, $const_rawJSON
	JEQ  raw
	CMPL AX, $const_Bool
	JEQ  bool
	MOVOU timestampText_text(BX), X0
	MOVOU (timestampText_text+16)(BX), X1
	MOVOU X0, 3(DI)
	MOVOU X1, 19(DI)
	ADDQ timestampText_n(BX), DI
	MOVB $0x22, 3(DI)
	ADDQ $4, DI
	JMP  written

digits: // eight, by halves: tens of thousands and the rest, hundreds and the rest of both, tens and ones of the four; the first lowest
	MOVL $3518437209, R8 // 2^45 / 10,000
	MOVQ CX, DX
	IMULQ R8, DX
	SHRQ $45, DX
	IMUL3Q $10000, DX, AX
	SUBQ AX, CX
	SHLQ $32, CX
	ORQ DX, CX
	IMUL3Q $10486, CX, DX // 2^20 / 100
	MOVQ $0x7f0000007f, R8
	SHRQ $20, DX
	ANDQ R8, DX
	IMUL3Q $100, DX, AX
	SUBQ AX, CX
	SHLQ $16, CX
	ORQ DX, CX
	IMUL3Q $103, CX, DX // 2^10 / 10
	MOVQ $0x000f000f000f000f, R8
	SHRQ $10, DX
	ANDQ R8, DX
	IMUL3Q $10, DX, AX
	SUBQ AX, CX
	SHLQ $8, CX
	ORQ DX, CX
	MOVQ $0x3030303030303030, SI
	ORQ CX, SI
	BTSQ $56, CX // the last digit stays, if it is a zero, too
	BSFQ CX, CX
	ANDL $0x38, CX
	SHRQ CX, SI
	MOVQ SI, 2(DI)
	SHRL $3, CX
	SUBQ CX, DI
	ADDQ $10, DI
	JMP  written

bool:
	TESTQ CX, CX
	JEQ  false
	MOVL $0x65757274, 2(DI) // true
	ADDQ $6, DI
	JMP  written

false:
	MOVL $0x736c6166, 2(DI) // fals
	MOVB $0x65, 6(DI)       // e
	ADDQ $7, DI
	JMP  written

raw: // as COPY, of a text that needs no escape
	ADDQ $2, DI
	SUBQ $16, CX
	JLT  rawLast

rawBlocks:
	MOVOU (SI), X0
	MOVOU X0, (DI)
	ADDQ $16, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JGE  rawBlocks

rawLast:
	ADDQ $16, CX
	JEQ  written
	MOVQ SI, R8
	ANDQ $0xfff, R8
	CMPQ R8, $0xff0
	JGT  rawBytes
	MOVOU (SI), X0
	MOVOU X0, (DI)
	ADDQ CX, DI
	JMP  written

rawBytes:
	MOVBLZX (SI), DX
	MOVB DX, (DI)
	INCQ SI
	INCQ DI
	DECQ CX
	JNZ  rawBytes
	JMP  written

// func putKey(dst *byte, key string) int
TEXT ·putKey(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ key_base+8(FP), SI
	MOVQ key_len+16(FP), CX
	CONSTANTS
	MOVW $0x222c, (DI) // ,"
	ADDQ $2, DI
	COPY(part, blocks, last, bytes, escape)
end:
	MOVW $0x3a22, (DI) // ":
	ADDQ $2, DI
	SUBQ dst+0(FP), DI
	MOVQ DI, ret+24(FP)
	RET
fail:
	MOVQ $-1, ret+24(FP)
	RET
	REST(part, bytes, escape, byteEscape, end, fail)

// func plainPrefix(s string) int
TEXT ·plainPrefix(SB), NOSPLIT, $0-24
	MOVQ s_base+0(FP), SI
	MOVQ s_len+8(FP), CX
	CONSTANTS
	XORQ AX, AX
	SUBQ $16, CX
	JLT  last

blocks:
	MOVOU (SI)(AX*1), X0
	ESCAPES
	TESTL DX, DX
	JNZ  found
	ADDQ $16, AX
	SUBQ $16, CX
	JGE  blocks

last:
	ADDQ $16, CX
	JEQ  end
	LEAQ (SI)(AX*1), R8
	ANDQ $0xfff, R8
	CMPQ R8, $0xff0
	JGT  bytes
	MOVOU (SI)(AX*1), X0
	ESCAPES
	BTSL CX, DX // stop at the end

found:
	BSFL DX, DX
	ADDQ DX, AX

end:
	MOVQ AX, ret+16(FP)
	RET

bytes:
	MOVBLZX (SI)(AX*1), DX
	CMPB DX, $0x20
	JCS  end
	CMPB DX, $0x22
	JEQ  end
	CMPB DX, $0x5c
	JEQ  end
	INCQ AX
	DECQ CX
	JNZ  bytes
	JMP  end
