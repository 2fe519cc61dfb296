// Command table runs the benchmarks of every stage and prints what each costs beside its budget and beside the recorded
// run. A difference counts only if benchstat's test says that it is hardly chance; that needs -count 4 or more in both.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "table:", err)
		}
		os.Exit(1)
	}
}

type options struct {
	pattern, benchtime string
	count              int
	from, recorded     string
	record             bool
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	flags.StringVar(&o.pattern, "bench", ".", "which benchmarks, as of go test")
	flags.StringVar(&o.benchtime, "benchtime", "1s", "how long each, as of go test")
	flags.IntVar(&o.count, "count", 5, "how often each; what is compared needs 4 or more")
	flags.StringVar(&o.from, "from", "", "a file with the output of go test -bench instead of a run; - is standard input")
	flags.StringVar(&o.recorded, "recorded", "bench/recorded.txt", "the run to compare with")
	flags.BoolVar(&o.record, "record", false, "make this run the recorded one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.record && o.pattern != "." {
		return errors.New("a record is of all stages: -record and -bench exclude each other")
	}
	recorded, err := readRecorded(o.recorded)
	if err != nil {
		return err
	}
	text, err := measure(o)
	if err != nil {
		return err
	}
	now, err := parse(bytes.NewReader(text), "this run")
	if err != nil {
		return err
	}
	if len(now.names) == 0 {
		return errors.New("the run has no benchmark")
	}
	if err := write(out, rows(now, recorded)); err != nil {
		return err
	}
	if recorded == nil {
		fmt.Fprintf(out, "\nnothing is recorded in %s\n", o.recorded)
	} else if recorded.cpu != now.cpu {
		fmt.Fprintf(out, "\nrecorded on another processor (%s, this is %s): the changes say little\n", recorded.cpu, now.cpu)
	}
	if o.record {
		if err := os.WriteFile(o.recorded, text, 0o644); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
	}
	return nil
}

// readRecorded returns nil if there is no such file.
func readRecorded(name string) (*results, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the recorded run: %w", err)
	}
	defer f.Close()
	return parse(f, name)
}

// measure returns the output of the benchmarks, which it shows on standard error as it comes.
func measure(o options) ([]byte, error) {
	switch o.from {
	case "":
	case "-":
		return io.ReadAll(os.Stdin)
	default:
		return os.ReadFile(o.from)
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", o.pattern, "-benchmem", "-benchtime", o.benchtime,
		"-count", strconv.Itoa(o.count), "-timeout", "4h", "millrace/bench")
	var text bytes.Buffer
	cmd.Stdout = io.MultiWriter(&text, os.Stderr)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running the benchmarks: %w", err)
	}
	return text.Bytes(), nil
}
