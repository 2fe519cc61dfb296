package s3client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"go.yaml.in/yaml/v3"

	"millrace/pipeline/plugin"
)

// credentials returns where keys come from.
func (o *Options) credentials(profile string, client *http.Client) (*credentials.Credentials, error) {
	base, err := o.ownKeys(profile)
	if err != nil {
		return nil, err
	}
	if o.RoleARN == "" {
		return base, nil
	}
	return credentials.New(&role{o: o, base: base, client: client}), nil
}

// nearby is how long the container or the instance has to tell its keys.
const nearby = 5 * time.Second

// ownKeys returns the keys without the role that they may take on.
func (o *Options) ownKeys(profile string) (*credentials.Credentials, error) {
	switch {
	case o.AccessKeyID != "":
		return credentials.NewStaticV4(o.AccessKeyID, o.SecretAccessKey.Reveal(), o.SessionToken.Reveal()), nil
	case o.CredentialsFile != "":
		v, err := readKeys(o.CredentialsFile)
		if err != nil {
			return nil, plugin.OptionError("aws_credentials_file", err)
		}
		return credentials.NewStaticV4(v.AccessKeyID, v.SecretAccessKey, v.SessionToken), nil
	case profile != "":
		return credentials.New(&credentials.FileAWSCredentials{Profile: profile}), nil
	}
	return credentials.New(&credentials.Chain{Providers: []credentials.Provider{
		&credentials.EnvAWS{}, &amazonEnv{}, &credentials.FileAWSCredentials{},
		&credentials.IAM{Region: o.Region, Client: &http.Client{Timeout: nearby, Transport: &http.Transport{}}}, // it is next to us, not behind a proxy
	}}), nil
}

// readKeys reads a file of the option aws_credentials_file. Its keys are symbols of Ruby.
func readKeys(path string) (v credentials.Value, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return v, fmt.Errorf("reading keys: %w", err)
	}
	var all map[string]string
	if err := yaml.Unmarshal(data, &all); err != nil {
		return v, fmt.Errorf("reading keys in %q: it is no YAML with a text for each name", path) // the library's error may quote a secret
	}
	get := func(name string) string {
		if s, ok := all[":"+name]; ok {
			return s
		}
		return all[name]
	}
	v.AccessKeyID, v.SecretAccessKey, v.SessionToken = get("access_key_id"), get("secret_access_key"), get("session_token")
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return v, fmt.Errorf("reading keys in %q: it lacks :access_key_id: or :secret_access_key: at its top level", path)
	}
	return v, nil
}

// amazonEnv takes keys from the variables that Logstash knows beside AWS's.
type amazonEnv struct{ done bool }

// Retrieve implements credentials.Provider.
func (e *amazonEnv) Retrieve() (credentials.Value, error) { return e.RetrieveWithCredContext(nil) }

// RetrieveWithCredContext implements credentials.Provider.
func (e *amazonEnv) RetrieveWithCredContext(*credentials.CredContext) (v credentials.Value, err error) {
	v.AccessKeyID, v.SecretAccessKey = os.Getenv("AMAZON_ACCESS_KEY_ID"), os.Getenv("AMAZON_SECRET_ACCESS_KEY")
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return credentials.Value{SignerType: credentials.SignatureAnonymous}, nil
	}
	v.SignerType, e.done = credentials.SignatureV4, true
	return v, nil
}

// IsExpired implements credentials.Provider.
func (e *amazonEnv) IsExpired() bool { return !e.done }

// role takes on a role by the keys of base, again before what it got expires. It is guarded by the credentials.Credentials around it.
type role struct {
	credentials.Expiry
	o      *Options
	base   *credentials.Credentials
	client *http.Client
}

// roleMargin is how long before their end keys of a role are replaced.
const roleMargin = time.Minute

// Retrieve implements credentials.Provider.
func (r *role) Retrieve() (credentials.Value, error) { return r.RetrieveWithCredContext(nil) }

// RetrieveWithCredContext implements credentials.Provider.
func (r *role) RetrieveWithCredContext(cc *credentials.CredContext) (v credentials.Value, err error) {
	if cc == nil {
		cc = &credentials.CredContext{Context: context.Background()}
	}
	own := *cc
	own.Client = r.client
	v, err = r.base.GetWithContext(&own)
	if err == nil && v.AccessKeyID == "" {
		err = errors.New("there are no keys to ask for it")
	}
	if err == nil {
		p := &credentials.STSAssumeRole{
			Client: r.client, STSEndpoint: strings.TrimSuffix(r.o.tokenService(os.Getenv), "/"),
			Options: credentials.STSAssumeRoleOptions{
				AccessKey: v.AccessKeyID, SecretKey: v.SecretAccessKey, SessionToken: v.SessionToken, Location: r.o.Region,
				RoleARN: r.o.RoleARN, RoleSessionName: r.o.RoleSessionName,
			},
		}
		v, err = p.RetrieveWithCredContext(&own)
	}
	if err != nil {
		return credentials.Value{}, fmt.Errorf("taking on the role %s: %w", r.o.RoleARN, err)
	}
	r.SetExpiration(v.Expiration, roleMargin)
	return v, nil
}
