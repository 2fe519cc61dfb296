package esclient

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

func TestAPIKey(t *testing.T) {
	for _, key := range []string{"u:p", "dTpw"} {
		o := Defaults()
		o.APIKey, o.SSLEnabled = config.Password(key), true
		c, err := o.Client(Config{})
		require.NoError(t, err)
		require.Equal(t, []string{"ApiKey dTpw"}, c.header["Authorization"])
	}
	o := Defaults()
	o.APIKey = "u:p"
	_, err := o.Client(Config{})
	require.ErrorContains(t, err, "only sent by TLS")
}

func TestCloudNode(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		node, err := cloudNode(id)
		require.NoError(t, err)
		require.Equal(t, want, node)
	}
	f("my:dXMtZWFzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVm", "https://abcd.us-east-1.aws.found.io:443")
	f("sample:dXMtY2VudHJhbDEuZ2NwLmNsb3VkLmVzLmlvJGFjMzFlYmI5MDI0MTc3MzE1NzA0M2MzNGZkMjZmZDQ2OjkyNDMkYTRjMDYyMzBlNDhjOGZjZTdiZTg4YTA3NGEzYmIzZTA6OTI0NA==",
		"https://ac31ebb90241773157043c34fd26fd46.us-central1.gcp.cloud.es.io:9243")
	_, err := cloudNode("invalid:dXMtY2VudHJhbDEuZ2NwLmNsb3VkLmVzLmlv")
	require.ErrorContains(t, err, "no cloud id")
}
