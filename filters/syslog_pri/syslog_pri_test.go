package syslogpri

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestLegacy(t *testing.T) {
	g := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f := func(pri, fields string) {
		t.Helper()
		g(``, `{"syslog_pri":`+pri+`}`, `{"syslog_pri":`+pri+`,`+fields)
	}
	f(`34`, `"syslog_severity_code":2,"syslog_facility_code":4,"syslog_facility":"security/authorization","syslog_severity":"critical"} +`)
	f(`165`, `"syslog_severity_code":5,"syslog_facility_code":20,"syslog_facility":"local4","syslog_severity":"notice"} +`)
	f(`"191"`, `"syslog_severity_code":7,"syslog_facility_code":23,"syslog_facility":"local7","syslog_severity":"debug"} +`)
	f(`["137","x"]`, `"syslog_severity_code":1,"syslog_facility_code":17,"syslog_facility":"local1","syslog_severity":"alert"} +`)
	f(`"x"`, `"syslog_severity_code":0,"syslog_facility_code":0,"syslog_facility":"kernel","syslog_severity":"emergency"} +`)
	f(`[]`, `"syslog_severity_code":0,"syslog_facility_code":0,"syslog_facility":"kernel","syslog_severity":"emergency"} +`)
	f(`null`, `"syslog_severity_code":5,"syslog_facility_code":1,"syslog_facility":"user-level","syslog_severity":"notice"} +`)
	f(`193`, `"syslog_severity_code":1,"syslog_facility_code":24,"tags":["_syslogpriparsefailure"]} +`)
	f(`-1`, `"syslog_severity_code":7,"syslog_facility_code":-1,"syslog_facility":"local7","syslog_severity":"debug"} +`)
	f(`{"a":1}`, `"tags":["_syslogpriparsefailure"]}`)
	f(`true`, `"tags":["_syslogpriparsefailure"]}`)
	g(`use_labels => false`, `{"syslog_pri":193}`, `{"syslog_pri":193,"syslog_severity_code":1,"syslog_facility_code":24} +`)
	g(`syslog_pri_field_name => "p" severity_labels => ["E"] facility_labels => ["k","u"]`, `{"p":"8"}`,
		`{"p":"8","syslog_severity_code":0,"syslog_facility_code":1,"syslog_facility":"u","syslog_severity":"E"} +`)
	g(`syslog_pri_field_name => "p" severity_labels => ["E"] facility_labels => ["k","u"]`, `{"p":"9"}`,
		`{"p":"9","syslog_severity_code":1,"syslog_facility_code":1,"syslog_facility":"u"} +`)
}

func TestECS(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `ecs_compatibility => "v8"`).Run(in))
	}
	f(`{"log":{"syslog":{"priority":34}}}`,
		`{"log":{"syslog":{"priority":34,"severity":{"code":2,"name":"critical"},"facility":{"code":4,"name":"security/authorization"}}}} +`)
	f(`{"log":"text"}`, `{"log":"text","tags":["_syslogpriparsefailure"]}`)
}

func BenchmarkFilter(b *testing.B) { filtertest.Bench(b, Plugin, ``, `{"syslog_pri":"165"}`) }
