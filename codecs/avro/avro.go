// Package avro stands for Logstash's codec of that name, which Millrace does not have: it says so when a config asks for it.
package avro

import (
	"errors"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("avro", Options{}, New)

// Options are those of Logstash, so that only what matters is reported.
type Options struct {
	SchemaURI                 config.Value `opt:"schema_uri"`
	Encoding                  config.Value `opt:"encoding"`
	TagOnFailure              config.Value `opt:"tag_on_failure"`
	Target                    config.Value `opt:"target"`
	Proxy                     config.Value `opt:"proxy"`
	Username                  config.Value `opt:"username"`
	Password                  config.Value `opt:"password"`
	SSLEnabled                config.Value `opt:"ssl_enabled"`
	SSLCertificate            config.Value `opt:"ssl_certificate"`
	SSLKey                    config.Value `opt:"ssl_key"`
	SSLCertificateAuthorities config.Value `opt:"ssl_certificate_authorities"`
	SSLVerificationMode       config.Value `opt:"ssl_verification_mode"`
	SSLKeystorePath           config.Value `opt:"ssl_keystore_path"`
	SSLKeystorePassword       config.Value `opt:"ssl_keystore_password"`
	SSLKeystoreType           config.Value `opt:"ssl_keystore_type"`
	SSLTruststorePath         config.Value `opt:"ssl_truststore_path"`
	SSLTruststorePassword     config.Value `opt:"ssl_truststore_password"`
	SSLTruststoreType         config.Value `opt:"ssl_truststore_type"`
	SSLCipherSuites           config.Value `opt:"ssl_cipher_suites"`
	SSLSupportedProtocols     config.Value `opt:"ssl_supported_protocols"`
}

// New refuses.
func New(Options, *plugin.Env) (*plugin.Codec, error) {
	return nil, errors.New("no Avro is read or written here: have the producer send JSON, or convert the topic where it is written")
}
