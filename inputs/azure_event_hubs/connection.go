package azureeventhubs

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"millrace/pipeline/config"
)

// The ports of Kafka's protocol: of Azure's namespaces, and of the emulator, which does not encrypt.
const (
	port         = "9093"
	emulatorPort = "9092"
)

// connection is what a connection string tells. It never quotes the string, which holds a key.
type connection struct {
	text     config.Password
	host     string // of the namespace
	hub      string // EntityPath; "" if there is none
	emulator bool
}

// parts are the names in a connection string that mean something here, without those of other protocols.
var parts = []string{"Endpoint", "SharedAccessKeyName", "SharedAccessKey", "EntityPath", "UseDevelopmentEmulator"}

// ignored are names that matter to AMQP alone.
var ignored = map[string]bool{"operationtimeout": true, "transporttype": true, "retrypolicy": true}

// mistake is an error in a connection string, with what helps.
type mistake struct{ text, hint string }

func (m *mistake) Error() string { return m.text }

const whereToCopy = "copy it in the portal: the event hub (or its namespace), Shared access policies, a policy with the claim Listen, Connection string–primary key"

// parseConnection reads a connection string of Event Hubs.
func parseConnection(text string) (*connection, error) {
	c := &connection{text: config.Password(text)}
	values := make(map[string]string)
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		key := strings.ToLower(strings.TrimSpace(name))
		if !ok {
			return nil, &mistake{"a part of the connection string has no =", "it is a list of name=value with semicolons between them; " + whereToCopy}
		}
		if _, twice := values[key]; twice {
			return nil, &mistake{fmt.Sprintf("%s stands twice in the connection string", name), whereToCopy}
		}
		if err := knownPart(key, name); err != nil {
			return nil, err
		}
		values[key] = strings.TrimSpace(value)
	}
	for _, name := range parts[:3] {
		if values[strings.ToLower(name)] == "" {
			return nil, &mistake{name + " is missing in the connection string", "it has to look like Endpoint=sb://NAMESPACE.servicebus.windows.net/;" +
				"SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=HUB; " + whereToCopy}
		}
	}
	c.emulator = strings.EqualFold(values["usedevelopmentemulator"], "true")
	c.hub = values["entitypath"]
	if c.hub != "" {
		if err := checkHub(c.hub); err != nil {
			return nil, fmt.Errorf("EntityPath: %w", err)
		}
	}
	u, err := url.Parse(values["endpoint"])
	if err != nil || u.Scheme != "sb" && u.Scheme != "amqps" || u.Hostname() == "" {
		return nil, &mistake{"Endpoint is no address of a namespace", "it has to look like sb://NAMESPACE.servicebus.windows.net/"}
	}
	c.host = strings.ToLower(u.Hostname())
	return c, nil
}

// knownPart refuses what belongs to other services and other ways to log in. It is told names only.
func knownPart(key, name string) error {
	switch {
	case ignored[key]:
		return nil
	case key == "accountname" || key == "accountkey" || key == "defaultendpointsprotocol" || key == "endpointsuffix" || key == "blobendpoint":
		return &mistake{"it is the connection string of a storage account, not of Event Hubs", whereToCopy}
	case key == "hostname" || key == "deviceid":
		return &mistake{"it is the connection string of an IoT hub, not of Event Hubs", "take the Event Hub-compatible endpoint among the hub's built-in endpoints"}
	case key == "sharedaccesssignature" || key == "authentication":
		return &mistake{name + " does not log in by Kafka's protocol", "use SharedAccessKeyName and SharedAccessKey"}
	}
	for _, p := range parts {
		if strings.EqualFold(p, key) {
			return nil
		}
	}
	if !partName.MatchString(name) {
		return &mistake{"a part of the connection string has no name", whereToCopy} // it may be a piece of a key
	}
	hint := config.DidYouMean(name, parts)
	if hint == "" {
		hint = whereToCopy
	}
	return &mistake{fmt.Sprintf("%s is no part of a connection string of Event Hubs", name), hint}
}

var partName = regexp.MustCompile(`^[A-Za-z]{1,30}$`)

// hubName are the names that Azure gives event hubs.
var hubName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$`)

func checkHub(name string) error {
	if !hubName.MatchString(name) {
		return errors.New("no event hub has such a name: letters, digits, dots, hyphens and underscores, the first and last of them a letter or digit")
	}
	return nil
}

// address returns the host and port of Kafka's protocol.
func (c *connection) address() string {
	if c.emulator {
		return net.JoinHostPort(c.host, emulatorPort)
	}
	return net.JoinHostPort(c.host, port)
}
