package testenv

import "testing"

// KafkaServer is a real Kafka broker with its own controller.
type KafkaServer struct{ Handle }

// Kafka starts a broker that ends with the test. Its Addr is the bootstrap address.
func Kafka(t testing.TB, opts ...Option) *KafkaServer {
	t.Helper()
	requireJava(t, "Kafka")
	o := newOptions(opts)
	if o.security || o.tls != nil {
		t.Fatal("testenv.Kafka: security and TLS are set by listener settings (see kafka/README.md), not by options")
	}
	s, err := scripted{"Kafka", []string{"kafka", "run-kafka.sh"}}.new(o, o.dataDir(t))
	if err != nil {
		t.Fatal(err)
	}
	return &KafkaServer{run(t, s)}
}
