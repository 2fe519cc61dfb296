package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/s3client"
	"millrace/internal/statefile"
)

// tracker knows which objects are delivered. As in Logstash its file holds one time, up to which everything is done; so that no object is passed over because a
// younger one was done before it, the time stands still then, and a file beside it lists the younger ones.
type tracker struct {
	path string

	mu    sync.Mutex
	since time.Time
	order []*object            // what is not done, and what is done behind it, in the order of time
	last  map[string]*object   // of order, by key: the latest version
	early map[string]time.Time // of the list, until the bucket was listed
	saved time.Time
	dirty bool

	saving sync.Mutex // held over saves, so that an older one never overtakes
}

// object is a version of an object of the bucket. Its fields below info are guarded by tracker.mu.
type object struct {
	info     s3client.Object
	live     bool // read, or on its way through the pipeline
	done     bool
	failures int
	seen     bool // in the latest listing
}

const (
	// maxBehind bounds the objects that are done behind one that cannot be read. Beyond, that is given up.
	maxBehind = 10000

	// saveEvery is how often the files are written at most while objects are done. A crash means that what was done since is read again.
	saveEvery = time.Second

	// listSuffix ends the name of the list of objects that are done behind others.
	listSuffix = ".done"
)

// rubyTime is how Ruby writes a time in UTC. Some stores tell times more exactly than that, and Ruby reads them as well.
const rubyTime = "2006-01-02 15:04:05.999999999 UTC"

// timeLayouts are the forms of times in a sincedb file.
var timeLayouts = []string{rubyTime, "2006-01-02 15:04:05.999999999 -0700", time.RFC3339Nano}

// loadTracker reads what an earlier run kept.
func loadTracker(path string) (*tracker, error) {
	t := &tracker{path: path, last: make(map[string]*object), early: make(map[string]time.Time)}
	if !statefile.Keeps(path) {
		return t, nil
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the sincedb: %w", err)
	}
	if text := strings.TrimSpace(string(data)); text != "" {
		if t.since, err = parseTime(text); err != nil {
			return nil, fmt.Errorf("reading the sincedb %q: %w", path, err)
		}
	}
	data, err = os.ReadFile(path + listSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the list beside the sincedb: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		at, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		when, err := time.Parse(time.RFC3339Nano, at)
		key, err2 := strconv.Unquote(quoted)
		if err == nil && err2 == nil {
			t.early[key] = when
		}
	}
	return t, nil
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2024-05-17 08:30:15 UTC", text)
}

// passed reports whether everything of a time is done.
func (t *tracker) passed(at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !at.After(t.since)
}

// listed takes a listing of what is to be read, and returns what is left of it, in the order of time.
func (t *tracker) listed(found []s3client.Object) (todo []*object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.order {
		o.seen = false
	}
	for _, info := range found {
		if !info.LastModified.After(t.since) {
			continue
		}
		if o := t.last[info.Key]; o != nil && o.info.LastModified.Equal(info.LastModified) {
			o.seen = true
			continue
		}
		o := &object{info: info, seen: true}
		if at, ok := t.early[info.Key]; ok && at.Equal(info.LastModified) {
			o.done = true
		}
		t.order = append(t.order, o)
		t.last[info.Key] = o
	}
	clear(t.early)
	slices.SortStableFunc(t.order, func(a, b *object) int {
		return cmp.Or(a.info.LastModified.Compare(b.info.LastModified), cmp.Compare(a.info.Key, b.info.Key))
	})
	for _, o := range t.order {
		switch {
		case o.live || o.done:
		case !o.seen: // deleted or replaced before it could be read
			o.done = true
		default:
			todo = append(todo, o)
		}
	}
	t.advance()
	return todo
}

// begin notes that an object is read.
func (t *tracker) begin(o *object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.live = true
}

// failed notes that an object could not be read. It is tried again after the next listing, unless too many others are done behind it: then it is given up.
func (t *tracker) failed(o *object) (givenUp bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.live = false
	o.failures++
	if len(t.order) > maxBehind && t.order[0] == o {
		o.done = true
		t.advance()
	}
	return o.done
}

// release notes that an object was not read to its end.
func (t *tracker) release(o *object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.live = false
}

// finished notes that an object is done.
func (t *tracker) finished(o *object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.live, o.done = false, true
	t.advance()
}

// advance moves the time up to which everything is done. Objects of one time are passed together. mu is held.
func (t *tracker) advance() {
	t.dirty = true
	n := 0
	for n < len(t.order) && t.order[n].done {
		n++
	}
	for n > 0 && n < len(t.order) && t.order[n-1].info.LastModified.Equal(t.order[n].info.LastModified) {
		n--
	}
	if n == 0 {
		return
	}
	if at := t.order[n-1].info.LastModified; at.After(t.since) {
		t.since = at
	}
	for _, o := range t.order[:n] {
		if t.last[o.info.Key] == o {
			delete(t.last, o.info.Key)
		}
	}
	t.order = slices.Delete(t.order, 0, n)
}

// save writes the files if there is something new, but not more often than saveEvery unless now is set.
func (t *tracker) save(now bool) error {
	t.saving.Lock()
	defer t.saving.Unlock()
	t.mu.Lock()
	if !t.dirty || !now && time.Since(t.saved) < saveEvery {
		t.mu.Unlock()
		return nil
	}
	t.dirty, t.saved = false, time.Now()
	since := t.since
	var list []byte
	for _, o := range t.order {
		if o.done {
			list = append(fmt.Appendf(list, "%s %q", o.info.LastModified.UTC().Format(time.RFC3339Nano), o.info.Key), '\n')
		}
	}
	t.mu.Unlock()
	err := t.write(since, list)
	if err != nil {
		t.mu.Lock()
		t.dirty = true
		t.mu.Unlock()
	}
	return err
}

// write writes the files: first the list, which does no harm beside an older time.
func (t *tracker) write(since time.Time, list []byte) error {
	if !statefile.Keeps(t.path) {
		return nil
	}
	if len(list) > 0 {
		if err := statefile.Save(t.path+listSuffix, list); err != nil {
			return err
		}
	}
	if !since.IsZero() {
		if err := statefile.Save(t.path, []byte(since.UTC().Format(rubyTime))); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		return nil
	}
	if err := os.Remove(t.path + listSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
