package pipetest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// JUnit collects results for the XML format of JUnit, which build servers read.
type JUnit struct {
	suites []junitSuite
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

// Suite adds the results of a suite, or why it could not be run.
func (j *JUnit) Suite(s *Suite, results []*CaseResult, err error) {
	if err != nil {
		j.Broken(s.Path, err)
		return
	}
	suite := junitSuite{Name: s.Path}
	var took time.Duration
	for _, res := range results {
		c := junitCase{Name: res.Case.Name, Class: s.Path, File: s.Path, Line: res.Case.Line, Time: seconds(res.Duration)}
		took += res.Duration
		suite.Tests++
		if res.Failed() {
			suite.Failures++
			var text strings.Builder
			r := Report{W: &text}
			r.details(res)
			c.Failure = &junitFailure{Message: summary(res), Text: text.String()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = seconds(took)
	j.suites = append(j.suites, suite)
}

// Broken adds a file that could not be run.
func (j *JUnit) Broken(path string, err error) {
	message, _, _ := strings.Cut(err.Error(), "\n")
	j.suites = append(j.suites, junitSuite{
		Name: path, Tests: 1, Errors: 1, Time: seconds(0),
		Cases: []junitCase{{Name: "configuration", Class: path, File: path, Time: seconds(0), Error: &junitFailure{Message: message, Text: err.Error()}}},
	})
}

func summary(res *CaseResult) string {
	if res.Problem != "" {
		message, _, _ := strings.Cut(res.Problem, "\n")
		return message
	}
	return plural(len(res.Events), "event") + " not as expected"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// Write writes the document.
func (j *JUnit) Write(w io.Writer) error {
	doc := junitSuites{Suites: j.suites}
	for i := range j.suites {
		s := &j.suites[i]
		doc.Tests, doc.Failures, doc.Errors = doc.Tests+s.Tests, doc.Failures+s.Failures, doc.Errors+s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
