package azureeventhubs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const secret = "c2VjcmV0a2V5/9+AbC="

func TestConnection(t *testing.T) {
	f := func(text, address, hub string) {
		t.Helper()
		c, err := parseConnection(text)
		require.NoError(t, err)
		require.Equal(t, address, c.address())
		require.Equal(t, hub, c.hub)
		require.Equal(t, text, c.text.Reveal())
		require.NotContains(t, c.text.String(), secret)
	}
	const login = ";SharedAccessKeyName=read;SharedAccessKey=" + secret
	f("Endpoint=sb://N1.servicebus.windows.net/"+login+";EntityPath=insights-logs.errors", "n1.servicebus.windows.net:9093", "insights-logs.errors")
	f(" endpoint = sb://n1.example.org:5671 "+login+" ; OperationTimeout=00:01:00;TransportType=Amqp; ", "n1.example.org:9093", "")
	f("Endpoint=sb://localhost"+login+";UseDevelopmentEmulator=true;EntityPath=eh1;", "localhost:9092", "eh1")

	bad := func(text, want, hint string) {
		t.Helper()
		_, err := parseConnection(text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), secret)
		var m *mistake
		if hint != "" {
			require.ErrorAs(t, err, &m)
			require.Contains(t, m.hint, hint)
			require.NotContains(t, m.hint, secret)
		}
	}
	bad("", "Endpoint is missing", "Endpoint=sb://NAMESPACE")
	bad("SharedAccessKeyName=read;SharedAccessKey="+secret, "Endpoint is missing", "Shared access policies")
	bad("Endpoint=sb://n/;SharedAccessKey="+secret, "SharedAccessKeyName is missing", "claim Listen")
	bad("Endpoint=sb://n/;SharedAccessKeyName=;SharedAccessKey="+secret, "SharedAccessKeyName is missing", "")
	bad("Endpoint=sb://n/;SharedAccessKeyName=read;EntityPath=a", "SharedAccessKey is missing", "")
	bad("Endpoint=n1"+login, "Endpoint is no address", "sb://NAMESPACE")
	bad("Endpoint=sb:///"+login, "Endpoint is no address", "")
	bad("Endpoint=sb://n/"+login+";EntityPath=a b", "EntityPath: no event hub has such a name", "")
	bad("Endpoint=sb://n/"+login+";EntityPth=a", "EntityPth is no part", `did you mean "EntityPath"`)
	bad("Endpoint=sb://n/;Endpoint=sb://m/"+login, "Endpoint stands twice", "")
	bad("Endpoint=sb://n/;"+strings.TrimRight(secret, "="), "has no =", "semicolons")
	bad("Endpoint=sb://n/;"+secret, "has no name", "")
	bad("DefaultEndpointsProtocol=https;AccountName=a;AccountKey="+secret, "of a storage account", "")
	bad("HostName=a.azure-devices.net;SharedAccessKeyName=o;SharedAccessKey="+secret, "of an IoT hub", "built-in endpoints")
	bad("Endpoint=sb://n/;SharedAccessSignature=SharedAccessSignature sr="+secret, "does not log in", "SharedAccessKeyName")
}

// FuzzConnection: no text panics, and what is said of one does not hold its key.
func FuzzConnection(f *testing.F) {
	f.Add("Endpoint=sb://n/;SharedAccessKeyName=r;EntityPath=h;SharedAccessKey=", "")
	f.Add("Endpoint=sb://n;;AccountKey=", ";EntityPath= ")
	f.Add("=;=", "=")
	f.Fuzz(func(t *testing.T, before, after string) {
		const key = "KEYKEY0123456789KEYKEY"
		c, err := parseConnection(before + key + after)
		if err != nil {
			if strings.HasSuffix(strings.ToLower(before), ";sharedaccesskey=") {
				require.NotContains(t, err.Error(), key)
			}
			return
		}
		require.NotEmpty(t, c.host)
	})
}
