package testenv

import "testing"

// KafkaServer is a real Kafka broker with its own controller.
type KafkaServer struct{ Handle }

// keepRecords has a broker keep records whatever time they bear: tests write old ones, and run where clocks do not agree.
var keepRecords = [...]string{"log.retention.ms=-1", "log.message.timestamp.after.max.ms=9223372036854775807"}

// Kafka starts a broker that ends with the test. Its Addr is the bootstrap address.
func Kafka(t testing.TB, opts ...Option) *KafkaServer {
	t.Helper()
	requireJava(t, "Kafka")
	o := newOptions(opts)
	if o.security || o.tls != nil {
		t.Fatal("testenv.Kafka: security and TLS are set by listener settings (see kafka/README.md), not by options")
	}
	o.settings = append(keepRecords[:], o.settings...)
	s, err := scripted{"Kafka", []string{"kafka", "run-kafka.sh"}}.new(o, o.dataDir(t))
	if err != nil {
		t.Fatal(err)
	}
	return &KafkaServer{run(t, s)}
}
