package config

import "fmt"

// ParseCondition reads text that is nothing but a condition, as it stands between if and its brace. The File holds the text, for
// places; the condition is nil if the diagnostics have errors.
func ParseCondition(name, text string) (*File, Cond, Diagnostics) {
	f, ds := decodeText(name, []byte(text))
	p := &parser{file: f, src: f.Text, diags: ds, unwind: -1, blamed: -1, inCond: true}
	p.skip()
	var c Cond
	if p.eof() {
		p.report(Errorf(p.place(p.pos, p.pos), "missing-condition", "the condition is empty").WithHint(`write [field] == "value"`))
	} else {
		c = p.condition()
		p.skip()
		if p.errors == 0 && !p.eof() {
			p.report(Errorf(p.place(p.pos, p.pos+p.foundLen()), "syntax", "%s stands after the end of the condition", p.found()).
				WithHint("%s", conditionHint(p.word(p.pos))))
		}
	}
	p.diags.Sort()
	if p.diags.HasErrors() {
		return f, nil, p.diags
	}
	if c == nil {
		panic(fmt.Sprintf("BUG: no condition and no error for %q", text))
	}
	return f, c, p.diags
}

// conditionHint helps with what people write after a condition that had ended.
func conditionHint(word string) string {
	if word == "" {
		return "a condition has no braces and no statements here"
	}
	return "conditions are joined by and, or, xor, nand"
}
