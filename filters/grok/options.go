package grok

import (
	"fmt"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// What to match: a field, and the pattern or the list of patterns for it. A pattern is a regular expression in the
	// syntax of Oniguruma, in which %{NAME:field} stands for the pattern NAME and puts what it matches into field;
	// %{NAME:field:int} and %{NAME:field:float} make a number of it. A field that is missing is matched as an empty
	// text, each item of a list is matched by itself, anything else is matched as Ruby prints it.
	Match config.Map[[]pattern] `opt:"match"`

	// Files with patterns of your own, or directories of them. Each line of a file holds a name, a blank and a pattern. A
	// name that is defined again has its last definition.
	PatternsDir []string `opt:"patterns_dir"`

	// Which files of the directories in patterns_dir are read.
	PatternsFilesGlob string `opt:"patterns_files_glob"`

	// Patterns of your own, by name. They come after patterns_dir.
	PatternDefinitions config.Map[string] `opt:"pattern_definitions"`

	// Stop at the first pattern that matches, in all fields of match.
	BreakOnMatch bool `opt:"break_on_match"`

	// Capture only what has a name for its field. If false, %{WORD} puts its text into the field WORD.
	NamedCapturesOnly bool `opt:"named_captures_only"`

	// Keep captures that are empty or took no part in the match, the latter as null.
	KeepEmptyCaptures bool `opt:"keep_empty_captures"`

	// The field below which captures are put. If not given, they are put at the top of the event.
	Target event.Path `opt:"target"`

	// Fields that a capture replaces. Others that exist already become lists of the old text and the new one. The names are
	// compared as they are written in the pattern, without target.
	Overwrite []string `opt:"overwrite"`

	// Tags of an event that no pattern matched.
	TagOnFailure []string `opt:"tag_on_failure"`

	// How long a match may take, in milliseconds; 0 for as long as it wants.
	TimeoutMillis int64 `opt:"timeout_millis"`

	// What the time is for: each pattern by itself, or all patterns that are tried on an event together.
	TimeoutScope string `opt:"timeout_scope,enum=pattern|event"`

	// Tag of an event whose match took too long. The patterns that are left are not tried then.
	TagOnTimeout string `opt:"tag_on_timeout"`

	// Patterns for the field message.
	Pattern []pattern `opt:"pattern,obsolete=use match => { \"message\" => \"...\" }"`

	// No effect: fields with one value always hold the value itself.
	Singles bool `opt:"singles,obsolete=it has no effect, fields with one value always hold the value itself"`

	// Cancelled events that matched.
	DropIfMatch bool `opt:"drop_if_match,removed=put a drop filter behind grok, in an if that asks for a field of the pattern"`
}

func defaults() Options {
	return Options{
		PatternsFilesGlob: "*",
		BreakOnMatch:      true,
		NamedCapturesOnly: true,
		TagOnFailure:      []string{"_grokparsefailure"},
		TimeoutMillis:     30000,
		TimeoutScope:      "pattern",
		TagOnTimeout:      "_groktimeout",
	}
}

// pattern is one pattern of match, with the value that it was written as.
type pattern struct {
	text  string
	value config.Value
}

// UnmarshalOption takes a string: a number would be a mistake that Logstash finds only when it registers the filter.
func (p *pattern) UnmarshalOption(v config.Value) error {
	if v.Type != config.TypeString {
		return fmt.Errorf("a pattern must be a string, got %s", v.Inspect())
	}
	p.text, p.value = v.Str, v
	return nil
}

// OptionType names the type for descriptions.
func (pattern) OptionType() string { return "pattern" }
