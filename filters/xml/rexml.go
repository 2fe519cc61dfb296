package xml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/antchfx/xmlquery"
)

// What is stored was read by REXML, Ruby's own parser, which takes and refuses other documents than the one behind xpath, and than Go's.

// parseTolerant reads a document again in which the decoder found a mistake: references to entities that nobody declared stay as they are, and
// "]]>" is text like any other. Where neither was the mistake, it returns the one found.
func parseTolerant(text string, found error) (*xmlquery.Node, error) {
	entities, err := entitiesOf(text, true)
	if err != nil {
		return nil, err
	}
	repaired := text
	if strings.Contains(text, "]]>") {
		repaired = escapeEnds(text)
	}
	if len(entities) == 0 && repaired == text {
		return nil, found
	}
	return parseWith(repaired, true, entities)
}

// escapeEnds writes "]]>" that ends no CDATA section with an entity.
func escapeEnds(text string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "<]")
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		n := 1
		switch {
		case strings.HasPrefix(text, "]]>"):
			b.WriteString("]]&gt;")
			text = text[3:]
			continue
		case strings.HasPrefix(text, "<![CDATA["):
			n = through(text, "]]>")
		case strings.HasPrefix(text, "<!--"):
			n = through(text, "-->")
		}
		b.WriteString(text[:n])
		text = text[n:]
	}
	b.WriteString(text)
	return b.String()
}

// through returns where the end lies that a section has, all of the text if it has none.
func through(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// storable finds what REXML refuses and Go's decoder does not: more than one root element, text outside of it, attributes with prefixes that
// nobody declared.
func storable(doc *xmlquery.Node) error {
	if hasText(doc.NextSibling) || hasText(doc.FirstChild) { // the library puts what stands before the first element beside the document
		return errors.New("there is text outside the root element")
	}
	first := root(doc)
	for n := first.NextSibling; n != nil; n = n.NextSibling {
		if n.Type == xmlquery.ElementNode {
			return errors.New("there is a second root element")
		}
	}
	return declared(first)
}

// hasText reports whether there is a text that is not white space among a node and the siblings behind it.
func hasText(n *xmlquery.Node) bool {
	for ; n != nil; n = n.NextSibling {
		if n.Type == xmlquery.TextNode && !isSpace(n.Data) {
			return true
		}
	}
	return false
}

// declared looks for declarations of the prefixes of attributes. That of the elements' is the decoder's work.
func declared(n *xmlquery.Node) error {
	for _, a := range n.Attr {
		prefix := a.Name.Space
		if prefix == "" || prefix == "xmlns" || prefix == "xml" || hasDeclaration(n, prefix) {
			continue
		}
		return fmt.Errorf("the prefix %s of the attribute %s is not declared", prefix, a.Name.Local)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == xmlquery.ElementNode {
			if err := declared(child); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasDeclaration(n *xmlquery.Node, prefix string) bool {
	for ; n != nil; n = n.Parent {
		for _, a := range n.Attr {
			if a.Name.Space == "xmlns" && a.Name.Local == prefix {
				return true
			}
		}
	}
	return false
}
