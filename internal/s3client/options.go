// Package s3client reaches object stores that speak the protocol of Amazon S3, for the plugins that do: the options that Logstash's plugins have in common,
// where keys come from, and the requests.
package s3client

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are those that tell how a store is reached.
type Options struct {
	// Name of the access key. Keys come from the first of these that has some: access_key_id and secret_access_key; the file of
	// aws_credentials_file; the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AMAZON_ACCESS_KEY_ID and AMAZON_SECRET_ACCESS_KEY; the
	// file of AWS's own tools; the role of the container or of the instance in EC2.
	AccessKeyID string `opt:"access_key_id"`

	// Its secret.
	SecretAccessKey config.Password `opt:"secret_access_key"`

	// Token of a temporary key.
	SessionToken config.Password `opt:"session_token"`

	// YAML file with :access_key_id: and :secret_access_key:, read where these options are not given.
	CredentialsFile string `opt:"aws_credentials_file,path"`

	// Role to take on, by AWS's security token service; the keys above ask for it. Its address is that of the region, or in the variable
	// AWS_ENDPOINT_URL_STS.
	RoleARN string `opt:"role_arn"`

	// Name under which the role is taken on.
	RoleSessionName string `opt:"role_session_name"`

	// Region of the bucket.
	Region string `opt:"region"`

	// Address of the store, with http:// or https://; by default Amazon's of the region.
	Endpoint string `opt:"endpoint"`

	// Proxy for all requests. As in Logstash the variables of the environment name none.
	Proxy config.URI `opt:"proxy_uri"`

	// Settings of AWS's client: force_path_style, ssl_verify_peer, ssl_ca_bundle, http_open_timeout, http_read_timeout, retry_limit,
	// use_accelerate_endpoint, use_dualstack_endpoint and profile.
	AdditionalSettings config.Map[string] `opt:"additional_settings"`

	// Accepted for Logstash's sake: the system's certificates are used, or those of ssl_ca_bundle in additional_settings.
	BundledCA bool `opt:"use_aws_bundled_ca"`
}

// Defaults returns the options' defaults.
func Defaults() Options { return Options{Region: "us-east-1", RoleSessionName: "logstash"} }

// settings is what additional_settings say.
type settings struct {
	pathStyle, accelerate, dualStack bool
	verify                           bool
	caBundle                         string
	open, read                       time.Duration
	tries                            int
	profile                          string
}

// settings reads additional_settings.
func (o *Options) settings(env *plugin.Env) (settings, error) {
	s := settings{verify: true, open: 15 * time.Second, read: time.Minute, tries: 4}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, plugin.EntryError("additional_settings", key, fmt.Errorf(format, args...)))
	}
	for _, p := range o.AdditionalSettings {
		flag := func(to *bool) {
			if p.Value != "true" && p.Value != "false" {
				bad(p.Key, "%q is neither true nor false", p.Value)
			}
			*to = p.Value == "true"
		}
		seconds := func(to *time.Duration) {
			f, err := strconv.ParseFloat(p.Value, 64)
			if err != nil || f <= 0 || f > 1e6 {
				bad(p.Key, "%q is no number of seconds", p.Value)
			}
			*to = time.Duration(f * float64(time.Second))
		}
		switch strings.TrimPrefix(p.Key, ":") {
		case "force_path_style":
			flag(&s.pathStyle)
		case "use_accelerate_endpoint":
			flag(&s.accelerate)
		case "use_dualstack_endpoint":
			flag(&s.dualStack)
		case "ssl_verify_peer":
			flag(&s.verify)
		case "ssl_ca_bundle":
			s.caBundle = p.Value
		case "http_open_timeout":
			seconds(&s.open)
		case "http_read_timeout":
			seconds(&s.read)
		case "retry_limit":
			n, err := strconv.Atoi(p.Value)
			if err != nil || n < 0 {
				bad(p.Key, "%q is no number of repetitions", p.Value)
			}
			s.tries = n + 1
		case "profile":
			s.profile = p.Value
		default:
			env.Warn("additional_settings", "the setting %q of AWS's client for Ruby has no effect: there is nothing like it here", p.Key)
		}
	}
	return s, errors.Join(errs...)
}

// address returns host and port of the store, and whether it is spoken to by TLS.
func (o *Options) address() (host string, secure bool, err error) {
	if o.Endpoint == "" {
		return "s3.amazonaws.com", true, nil // the library takes that of the region
	}
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		err = fmt.Errorf("%q is no address that begins with http:// or https://", o.Endpoint)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		err = errors.New("the address of a store is nothing but a host and a port")
	}
	if err != nil {
		return "", false, plugin.OptionError("endpoint", err)
	}
	return u.Host, u.Scheme == "https", nil
}

// check returns what is wrong with the options, and warns of what has no effect.
func (o *Options) check(env *plugin.Env) error {
	var errs []error
	if (o.AccessKeyID == "") != (o.SecretAccessKey == "") {
		errs = append(errs, plugin.OptionError("access_key_id", errors.New("access_key_id and secret_access_key go together")))
	}
	if o.SessionToken != "" && o.AccessKeyID == "" {
		env.Warn("session_token", "option \"session_token\" has no effect without access_key_id and secret_access_key")
	}
	if o.Region == "" || strings.ContainsAny(o.Region, "./: ") {
		errs = append(errs, plugin.OptionError("region", fmt.Errorf("%q is no region, such as eu-central-1", o.Region)))
	}
	if o.BundledCA {
		env.Warn("use_aws_bundled_ca", "option \"use_aws_bundled_ca\" has no effect: no certificates come with Millrace; the system's are used, or those of "+
			"additional_settings => { ssl_ca_bundle => \"...\" }")
	}
	if o.RoleARN == "" {
		env.WarnIdle("role_session_name", "role_arn")
	}
	return errors.Join(errs...)
}

// tokenService returns the address of the security token service.
func (o *Options) tokenService(getenv func(string) string) string {
	suffix := "amazonaws.com"
	if strings.HasPrefix(o.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	return cmp.Or(getenv("AWS_ENDPOINT_URL_STS"), "https://sts."+o.Region+"."+suffix)
}

// byPath reports whether a bucket is named in the path of requests rather than in the host: where it is asked for, and where it cannot be in the host, as AWS's
// clients see it.
func (s *settings) byPath(host, bucket string, secure bool) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return s.pathStyle || net.ParseIP(strings.Trim(host, "[]")) != nil || host == "localhost" || secure && strings.Contains(bucket, ".")
}

// CheckBucket returns what is wrong with the name of a bucket.
func CheckBucket(option, name string) error {
	if len(name) < 3 || len(name) > 63 || strings.ContainsAny(name, "/\\ ?#%:") {
		return plugin.OptionError(option, fmt.Errorf("%q is no name of a bucket: it has 3 to 63 letters, digits, dots and hyphens", name))
	}
	return nil
}
