package esclient

import "millrace/pipeline/config"

// Options are those that tell how a cluster is reached.
type Options struct {
	// Nodes to ask, in turn: host, host:port or an address with http:// or https://.
	Hosts []string `opt:"hosts"`

	// Header fields of the requests.
	CustomHeaders config.Map[string] `opt:"custom_headers"`

	// Name for basic authentication.
	User string `opt:"user"`

	// Its password.
	Password config.Password `opt:"password"`

	// Key for authentication: id:key, or as Elasticsearch encodes it.
	APIKey config.Password `opt:"api_key"`

	// Elastic Cloud's id of the deployment, in place of hosts.
	CloudID string `opt:"cloud_id"`

	// User and password for Elastic Cloud, as user:password.
	CloudAuth config.Password `opt:"cloud_auth"`

	// Address of a proxy.
	Proxy string `opt:"proxy"`

	// Whether hosts without http:// or https:// are reached by TLS.
	SSLEnabled bool `opt:"ssl_enabled,alias=ssl"`

	// Files with the certificates of authorities (PEM).
	Authorities []string `opt:"ssl_certificate_authorities,alias=ca_file"`

	// SHA-256 of an authority's certificate that is trusted too.
	Fingerprint string `opt:"ca_trusted_fingerprint"`

	// File with a certificate of one's own (PEM).
	Certificate string `opt:"ssl_certificate,path"`

	// Its private key.
	Key string `opt:"ssl_key,path"`

	// A keystore in place of both.
	Keystore string `opt:"ssl_keystore_path,path,alias=keystore"`

	// Its password.
	KeystorePassword config.Password `opt:"ssl_keystore_password,alias=keystore_password"`

	// Its kind.
	KeystoreType string `opt:"ssl_keystore_type,enum=pkcs12|jks"`

	// A truststore in place of ssl_certificate_authorities.
	Truststore string `opt:"ssl_truststore_path,path"`

	// Its password.
	TruststorePassword config.Password `opt:"ssl_truststore_password"`

	// Its kind.
	TruststoreType string `opt:"ssl_truststore_type,enum=pkcs12|jks"`

	// Whether the server's certificate is verified.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	Verification *bool `opt:"ssl_certificate_verification,obsolete=write ssl_verification_mode => none in place of false"`

	// Cipher suites to offer.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Versions of TLS to offer.
	Protocols []string `opt:"ssl_supported_protocols"`
}

// defaultHost is the default of hosts. Where it is given with cloud_id, that is not noticed, and does no harm.
const defaultHost = "localhost:9200"

// Defaults returns the options' defaults.
func Defaults() Options {
	return Options{Hosts: []string{defaultHost}, VerificationMode: "full"}
}
