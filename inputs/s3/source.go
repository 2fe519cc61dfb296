package s3

import (
	"strings"

	"millrace/pipeline/event"
)

var (
	keyPath       = event.MustPath("[@metadata][s3][key]")
	legacyVersion = event.MustPath("cloudfront_version")
	legacyFields  = event.MustPath("cloudfront_fields")
	ecsVersion    = event.MustPath("[@metadata][s3][cloudfront][version]")
	ecsFields     = event.MustPath("[@metadata][s3][cloudfront][fields]")
)

// property returns the path of a property of an object; its names may be those of a user, and not every one can be a field.
func property(name string) *event.Path {
	p, err := event.ParsePath("[@metadata][s3]" + name)
	if err != nil {
		return nil
	}
	return &p
}

// newSource returns what all records of the object have in common from here on.
func (r *reading) newSource() *event.Source {
	text := event.StringValue
	fields := []event.SourceField{{Path: keyPath, Value: text(r.o.info.Key)}}
	add := func(path *event.Path, v event.Value) {
		if path != nil {
			fields = append(fields, event.SourceField{Path: path, Value: v})
		}
	}
	if r.input.o.ObjectProperties {
		add(property("[last_modified]"), event.TimeValue(r.info.LastModified))
		add(property("[content_length]"), event.IntValue(r.info.Size))
		add(property("[etag]"), text(`"`+r.info.ETag+`"`))
		for name, value := range map[string]string{
			"[content_type]": r.info.ContentType, "[version_id]": r.info.VersionID, "[storage_class]": r.info.Headers.Get("X-Amz-Storage-Class"),
			"[content_encoding]": r.info.Headers.Get("Content-Encoding"), "[server_side_encryption]": r.info.Headers.Get("X-Amz-Server-Side-Encryption"),
		} {
			if value != "" {
				add(property(name), text(value))
			}
		}
		for name, value := range r.info.UserMetadata {
			add(property("[metadata]["+strings.ToLower(name)+"]"), text(value))
		}
	}
	version, columns := legacyVersion, legacyFields
	if r.env.ECS.Enabled() {
		version, columns = ecsVersion, ecsFields
	}
	if r.version != "" {
		add(version, text(r.version))
	}
	if r.fields != "" {
		add(columns, text(r.fields))
	}
	return r.env.NewSource(fields...)
}

// head takes a line by which a log of CloudFront tells of itself, which is no event. It reports whether line is one.
func (r *reading) head(line string) bool {
	if version, ok := strings.CutPrefix(line, "#Version: "); ok {
		r.version = strings.ToValidUTF8(strings.TrimSpace(version), "\uFFFD")
		return true
	}
	if fields, ok := strings.CutPrefix(line, "#Fields: "); ok {
		r.fields = strings.ToValidUTF8(strings.TrimSpace(fields), "\uFFFD")
		return true
	}
	return false
}
