package syslogpri

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts, without ECS and with it.
func TestSuite(t *testing.T) {
	f := func(options, pri string, severity int, severityName string, facility int, facilityName string) {
		t.Helper()
		legacy := fmt.Sprintf(`{"syslog_pri":%s,"syslog_severity_code":%d,"syslog_facility_code":%d,"syslog_facility":%q,"syslog_severity":%q} +`,
			pri, severity, facility, facilityName, severityName)
		require.Equal(t, legacy, filtertest.New(t, Plugin, options).Run(`{"syslog_pri":`+pri+`}`))
		ecs := fmt.Sprintf(`{"log":{"syslog":{"priority":%s,"severity":{"code":%d,"name":%q},"facility":{"code":%d,"name":%q}}}} +`,
			pri, severity, severityName, facility, facilityName)
		for _, mode := range []string{"v1", "v8"} {
			require.Equal(t, ecs, filtertest.New(t, Plugin, options+` ecs_compatibility => `+mode).Run(`{"log":{"syslog":{"priority":`+pri+`}}}`))
		}
	}
	// The field of the option is missing, so the priority is 13, whatever the usual field holds.
	f(`syslog_pri_field_name => "my_syslog_pri"`, `1`, 5, "notice", 1, "user-level")
	f(``, `34`, 2, "critical", 4, "security/authorization")
	f(``, `165`, 5, "notice", 20, "local4")
	f(``, `191`, 7, "debug", 23, "local7")
	f(``, `"137"`, 1, "alert", 17, "local1")

	g := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	g(``, `{"syslog_pri":193}`, `{"syslog_pri":193,"syslog_severity_code":1,"syslog_facility_code":24,"tags":["_syslogpriparsefailure"]} +`)
	g(`ecs_compatibility => v1`, `{"log":{"syslog":{"priority":193}}}`,
		`{"log":{"syslog":{"priority":193,"severity":{"code":1},"facility":{"code":24}}},"tags":["_syslogpriparsefailure"]} +`)
	g(`use_labels => false`, `{"syslog_pri":193}`, `{"syslog_pri":193,"syslog_severity_code":1,"syslog_facility_code":24} +`)
	g(`facility_labels => ["kernel"]`, `{"syslog_pri":0}`, `{"syslog_pri":0,"syslog_severity_code":0,"syslog_facility_code":0,"syslog_facility":"kernel","syslog_severity":"emergency"} +`)
}
