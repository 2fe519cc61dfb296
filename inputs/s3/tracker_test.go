package s3

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/s3client"
)

var start = time.Date(2024, 5, 17, 8, 30, 0, 0, time.UTC)

// at returns an object that was written so many seconds after start.
func at(key string, seconds int) s3client.Object {
	return s3client.Object{Key: key, LastModified: start.Add(time.Duration(seconds) * time.Second)}
}

func load(t *testing.T, path string) *tracker {
	t.Helper()
	tr, err := loadTracker(path)
	require.NoError(t, err)
	return tr
}

func keysOf(todo []*object) (keys []string) {
	for _, o := range todo {
		keys = append(keys, o.info.Key)
	}
	return keys
}

// TestNoObjectIsPassedOver: what is done before something older is not read again, and the older is not forgotten, over any restart.
func TestNoObjectIsPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "since")
	bucket := []s3client.Object{at("d", 3), at("b\n", 1), at("a", 1), at("c", 2)}
	tr := load(t, path)
	todo := tr.listed(bucket)
	require.Equal(t, []string{"a", "b\n", "c", "d"}, keysOf(todo))
	for _, o := range todo {
		tr.begin(o)
	}
	tr.finished(todo[0])
	require.True(t, tr.since.IsZero(), "another object of that time is not done")
	tr.finished(todo[2])
	require.False(t, tr.failed(todo[1]))
	require.NoError(t, tr.save(true))
	require.NoFileExists(t, path)
	require.Equal(t, []string{"b\n"}, keysOf(tr.listed(bucket)), "d is on its way")

	tr = load(t, path) // after a crash
	todo = tr.listed(bucket)
	require.Equal(t, []string{"b\n", "d"}, keysOf(todo))
	tr.finished(todo[0])
	require.Equal(t, start.Add(2*time.Second), tr.since)
	require.NoError(t, tr.save(true))
	require.NoFileExists(t, path+listSuffix)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "2024-05-17 08:30:02 UTC", string(data))
	require.Equal(t, []string{"d"}, keysOf(load(t, path).listed(bucket)))
}

func TestReplacedAndDeleted(t *testing.T) {
	tr := load(t, filepath.Join(t.TempDir(), "since"))
	todo := tr.listed([]s3client.Object{at("a", 1), at("b", 2), at("c", 3)})
	tr.finished(todo[1])
	todo = tr.listed([]s3client.Object{at("b", 5), at("c", 3)})
	require.Equal(t, []string{"c", "b"}, keysOf(todo), "a is gone, b is new")
	require.Equal(t, start.Add(2*time.Second), tr.since)
	tr.finished(todo[0])
	tr.finished(todo[1])
	require.Equal(t, start.Add(5*time.Second), tr.since)
	require.Empty(t, tr.order)
	require.Empty(t, tr.last)
}

// TestGivenUp: one object that can never be read does not make the list grow for ever.
func TestGivenUp(t *testing.T) {
	tr := load(t, filepath.Join(t.TempDir(), "since"))
	bucket := []s3client.Object{at("bad", 0)}
	for i := range maxBehind {
		bucket = append(bucket, at(fmt.Sprint(i), i+1))
	}
	todo := tr.listed(bucket[:maxBehind])
	for _, o := range todo[1:] {
		tr.finished(o)
	}
	require.False(t, tr.failed(todo[0]))
	todo = tr.listed(bucket)
	require.Len(t, todo, 2)
	tr.finished(todo[1])
	require.True(t, tr.failed(todo[0]))
	require.Equal(t, bucket[maxBehind].LastModified, tr.since)
}

func TestSincedbOfLogstash(t *testing.T) {
	f := func(text string, want time.Time) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "since")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.Equal(t, want, load(t, path).since)
	}
	f("", time.Time{})
	f("2024-05-17 08:30:00 UTC", start)
	f("2024-05-17 10:30:00 +0200\n", start)
	f("2024-05-17 08:30:00.5 UTC", start.Add(time.Second/2))
	f("2024-05-17T08:30:00Z", start)
	path := filepath.Join(t.TempDir(), "since")
	require.NoError(t, os.WriteFile(path, []byte("yesterday"), 0o600))
	_, err := loadTracker(path)
	require.ErrorContains(t, err, "no time such as")
	tr := load(t, os.DevNull)
	tr.since, tr.dirty = start, true
	require.NoError(t, tr.save(true))
}

// TestSaveIsNotForEachObject: the files are written once a second at most while objects are done.
func TestSaveIsNotForEachObject(t *testing.T) {
	path := filepath.Join(t.TempDir(), "since")
	tr := load(t, path)
	todo := tr.listed([]s3client.Object{at("a", 1), at("b", 2)})
	tr.finished(todo[0])
	require.NoError(t, tr.save(false))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	tr.finished(todo[1])
	require.NoError(t, tr.save(false))
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.NoError(t, tr.save(true))
	require.Equal(t, start.Add(2*time.Second), load(t, path).since)
}

// FuzzList: whatever stands in the files of an earlier run, what is read of them is written as it was.
func FuzzList(f *testing.F) {
	f.Add("2024-05-17 08:30:00 UTC", "2024-05-17T08:30:01.5Z \"a b\\n\"\nx\n")
	f.Fuzz(func(t *testing.T, since, list string) {
		path := filepath.Join(t.TempDir(), "since")
		require.NoError(t, os.WriteFile(path, []byte(since), 0o600))
		require.NoError(t, os.WriteFile(path+listSuffix, []byte(list), 0o600))
		tr, err := loadTracker(path)
		if err != nil {
			return
		}
		first := s3client.Object{Key: "\x00 none has that name", LastModified: tr.since.Add(1)} // it holds the time up
		bucket := []s3client.Object{first}
		for key, when := range tr.early {
			if when.After(first.LastModified) && key != first.Key {
				bucket = append(bucket, s3client.Object{Key: key, LastModified: when})
			}
		}
		require.Equal(t, []string{first.Key}, keysOf(tr.listed(bucket)))
		require.NoError(t, tr.save(true))
		require.Equal(t, []string{first.Key}, keysOf(load(t, path).listed(bucket)))
	})
}
