package collectd

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	change(&o)
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

func none(*Options) {}

func part(kind uint16, body string) string {
	return string(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, kind), uint16(4+len(body)))) + body
}

func str(kind uint16, s string) string { return part(kind, s+"\x00") }

func num(kind uint16, n uint64) string {
	return part(kind, string(binary.BigEndian.AppendUint64(nil, n)))
}

// values writes gauges as float64, derives as int64 and counters as uint64.
func values(list ...any) string {
	kinds, numbers := "", []byte(nil)
	for _, v := range list {
		switch v := v.(type) {
		case float64:
			kinds, numbers = kinds+"\x01", binary.LittleEndian.AppendUint64(numbers, math.Float64bits(v))
		case int64:
			kinds, numbers = kinds+"\x02", binary.BigEndian.AppendUint64(numbers, uint64(v))
		case uint64:
			kinds, numbers = kinds+"\x00", binary.BigEndian.AppendUint64(numbers, v)
		}
	}
	return part(partValues, string(binary.BigEndian.AppendUint16(nil, uint16(len(list))))+kinds+string(numbers))
}

var (
	head  = str(partHost, "web01") + num(partTimeFine, 1715934615<<30|1<<29) + num(partIntervalFine, 10<<30)
	wlan  = str(partPlugin, "interface") + str(partPluginInstance, "wlan0") + str(partType, "if_errors") + values(int64(0), int64(-7))
	users = str(partPlugin, "users") + str(partType, "users") + str(partTypeInstance, "") + values(3.0)
)

const (
	stamp     = `"@timestamp":"2024-05-17T08:30:15.500Z"`
	wlanEvent = `{` + stamp + `,"host":"web01","plugin":"interface","plugin_instance":"wlan0","collectd_type":"if_errors","rx":0,"tx":-7}`
	userEvent = `{` + stamp + `,"host":"web01","plugin":"users","collectd_type":"users","value":3.0}`
)

func TestDecode(t *testing.T) {
	f := func(change func(o *Options), in string, want ...string) {
		t.Helper()
		require.Equal(t, want, codectest.Decode(codec(t, change), in))
	}
	f(none, head+wlan+users, wlanEvent, userEvent)
	f(none, head+wlan+str(partTypeInstance, "x")+values(int64(1), int64(2))+str(partType, "if_octets")+values(int64(3), int64(4)), wlanEvent,
		`{`+stamp+`,"host":"web01","plugin":"interface","plugin_instance":"wlan0","collectd_type":"if_errors","type_instance":"x","rx":1,"tx":2}`,
		`{`+stamp+`,"host":"web01","plugin":"interface","plugin_instance":"wlan0","collectd_type":"if_octets","type_instance":"x","rx":3,"tx":4}`)
	f(none, num(partTime, 1715934615)+num(partInterval, 10)+str(partType, "counted")+values(uint64(math.MaxUint64), uint64(5)),
		`{"@timestamp":"2024-05-17T08:30:15.000Z","collectd_type":"counted","value0":18446744073709551615,"value1":5}`)
	f(func(o *Options) { o.PruneIntervals = false }, head+users, `{`+stamp+`,"host":"web01","interval":10}`, userEvent)
	f(func(o *Options) { o.Target = *event.MustPath("[collectd]") }, head+users,
		`{`+stamp+`,"collectd":{"host":"web01","plugin":"users","collectd_type":"users","value":3.0}}`)
	f(none, num(partTime, 1715934615)+num(partSeverity, 2)+str(partHost, "web01")+str(partPlugin, "load")+str(partType, "load")+str(partMessage, "too high"),
		`{"@timestamp":"2024-05-17T08:30:15.000Z","host":"web01","plugin":"load","collectd_type":"load","message":"too high","severity":2}`)
	f(none, "")
	f(none, head+users+part(12345, "what is this")+users, userEvent, userEvent)
	f(none, head+users+"\x00\x05\x01", userEvent)
	f(none, head+users+"\x00\x05\x00\x31abc"+users, userEvent)
	f(none, head+users+part(partValues, "\x00\x02\x01")+users, userEvent)
	f(none, head+users+part(partTime, "short"), userEvent)
}

func TestNaN(t *testing.T) {
	f := func(change func(o *Options), want ...string) {
		t.Helper()
		ping := str(partPlugin, "ping") + str(partType, "ping") + values(math.NaN())
		require.Equal(t, append(want, userEvent), codectest.Decode(codec(t, change), head+ping+users))
	}
	const event = `{` + stamp + `,"host":"web01","plugin":"ping","collectd_type":"ping","value":`
	f(none, event+`0,"tags":["_collectdNaN"]}`)
	f(func(o *Options) { o.NaNValue, o.NaNTag = 1, "odd" }, event+`1,"tags":["odd"]}`)
	f(func(o *Options) { o.NaNValue, o.NaNTag, o.NaNHandling = -0.5, "", nanWarn }, event+`-0.5}`)
	f(func(o *Options) { o.NaNHandling = nanDrop })
}

func TestTypesFiles(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	require.NoError(t, os.WriteFile(one, []byte("# ours\nif_errors  in:DERIVE:0:U, out:DERIVE:0:U\nrooms  a:GAUGE:0:U, b:GAUGE:0:U\n\n"), 0o600))
	require.NoError(t, os.WriteFile(two, []byte("rooms  c:GAUGE:0:U, d:GAUGE:0:U"), 0o600))
	c := codec(t, func(o *Options) { o.TypesDB = []string{one, two} })
	require.Contains(t, codectest.Joined(c, head+wlan), `"in":0,"out":-7}`)
	require.Contains(t, codectest.Joined(c, head+str(partType, "rooms")+values(1.0, 2.0)), `"c":1.0,"d":2.0}`)
	require.Contains(t, codectest.Joined(c, head+str(partType, "load")+values(1.0, 2.0, 3.0)), `"shortterm":1.0,"midterm":2.0,"longterm":3.0}`)
}

func sign(user, password, rest string) string {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte(user + rest))
	return part(partSignature, string(mac.Sum(nil))+user) + rest
}

func encrypt(t *testing.T, user, password, parts string) string {
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	require.NoError(t, err)
	sum := sha1.Sum([]byte(parts))
	data := append(sum[:], parts...)
	const iv = "0123456789abcdef"
	outputFeedback(block, []byte(iv), data)
	return part(partEncryption, string(binary.BigEndian.AppendUint16(nil, uint16(len(user))))+user+iv+string(data))
}

func TestSecurity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passwords")
	require.NoError(t, os.WriteFile(file, []byte("web: secret: 1\nno password\n"), 0o600))
	plain := head + users
	signed, forged := sign("web", "secret: 1", plain), sign("web", "guessed", plain)
	hidden, wrong := encrypt(t, "web", "secret: 1", plain), encrypt(t, "web", "guessed", plain)
	stranger := encrypt(t, "you", "secret: 1", plain)
	for level, accepted := range map[string][]string{
		levelNone:    {plain, signed, forged, hidden},
		levelSign:    {signed, hidden},
		levelEncrypt: {hidden},
	} {
		c := codec(t, func(o *Options) { o.SecurityLevel, o.AuthFile = level, file })
		for _, in := range []string{plain, signed, forged, hidden, wrong, stranger, part(partEncryption, "\x00"), part(partEncryption, "\xff\xff12345"), part(partSignature, "short") + plain} {
			want := []string(nil)
			for _, a := range accepted {
				if in == a || level == levelNone && in == part(partSignature, "short")+plain {
					want = []string{userEvent}
				}
			}
			require.Equal(t, want, codectest.Decode(c, in), "%s: %q", level, in)
		}
	}
	require.Empty(t, codectest.Decode(codec(t, none), hidden), "without a file of passwords")
}

func TestPasswordsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "passwords")
		write := func(text string, at time.Time) {
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			require.NoError(t, os.Chtimes(file, at, at))
		}
		write("web: old", time.Unix(1e9, 0))
		c := codec(t, func(o *Options) { o.SecurityLevel, o.AuthFile = levelSign, file })
		in := sign("web", "new", head+users)
		require.Empty(t, codectest.Decode(c, in))
		write("web: new", time.Unix(1e9+1, 0))
		<-time.After(2 * checkEvery)
		require.Len(t, codectest.Decode(c, in), 1)
	})
}

// The example of NIST SP 800-38A, F.4.5.
func TestOutputFeedback(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	block, err := aes.NewCipher(unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
	require.NoError(t, err)
	data := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
	outputFeedback(block, unhex("000102030405060708090a0b0c0d0e0f"), data)
	require.Equal(t, "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d", hex.EncodeToString(data))
}

func TestRefused(t *testing.T) {
	o := *Plugin.Options().(*Options)
	o.SecurityLevel, o.TypesDB = levelSign, []string{"no/such/file"}
	_, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "needs authfile")
	require.ErrorContains(t, err, "reading types")
	o.AuthFile = "no/such/file"
	_, err = New(o, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "reading passwords")
}

func FuzzDecode(f *testing.F) {
	f.Add(head + wlan + users)
	f.Add(sign("u", "p", head))
	f.Add(part(partEncryption, "\x00\x01u0123456789abcdef0123456789abcdef01234567"))
	c := codec(f, none)
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(c, data) })
}

func BenchmarkDecode(b *testing.B) { codectest.BenchmarkDecode(b, codec(b, none), head+wlan) }
