package ruby

import "sync"

// core is the classes of the library. All Interps share one, which nothing changes once it is made.
type core struct {
	basicObject, object, module, class, kernel, comparable, enumerable                                                         *Class
	nilClass, trueClass, falseClass, numeric, integer, float, rational, str, symbol, array, hash, rangeClass, proc, method     *Class
	regexp, matchData, time, date, dateTime, set, enumerator, event, timestamp, logger, stream, random, mutex, structClass     *Class
	exception, standardError, argumentError, typeError, nameError, noMethodError, zeroDivisionError, rangeError, indexError    *Class
	keyError, frozenError, runtimeError, stopIteration, localJumpError, floatDomainError, systemStackError, loadError, ioError *Class
	regexpError, notImplementedError, scriptError, securityError, noMatchingPattern, noMatchingPatternKey, eofError            *Class
	encodingError, undefConversion, invalidByte, compatError, threadError, jsonParserError, jsonGenerator, dateError           *Class
	uriError, addressError, ipaddrError, csvError, timestampParserError, uncaughtThrow, errnoNoEnt, missingConverter           *Class
	invalidFieldSet, ipaddr, uri, uriGeneric, uriHTTP, uriHTTPS, openStruct, encoding, thread, timeoutError, mathDomain        *Class
	invalidTags, fieldRefSyntax, resolvError, socketError, yamlError, file, interrupt, regexpTimeout, element                  *Class
	zlibError, zlibDataError, zlibBufError, gzipError                                                                          *Class
	http, openTimeout, readTimeout, httpError, httpBadResponse, sslError                                                       *Class
	names                                                                                                                      map[string]bool // of all methods
}

var coreOf = sync.OnceValue(makeCore)

// define makes a class in the core.
func (c *core) define(name string, super *Class) *Class { return c.defineIn(c.object, name, super) }

// defineIn makes a class in another.
func (c *core) defineIn(outer *Class, name string, super *Class) *Class {
	full := name
	if outer != nil && outer != c.object {
		full = outer.name + "::" + name
	}
	k := newClass(full, super)
	k.core = true
	k.meta = newClass("", nil)
	k.meta.core, k.meta.singular, k.meta.of = true, true, k
	if super != nil {
		k.meta.super = super.meta
		k.alloc = super.alloc
	} else {
		k.meta.super = c.class
	}
	if outer != nil {
		outer.consts[name] = k
		k.outer = outer
	}
	return k
}

// mod makes a module.
func (c *core) mod(outer *Class, name string) *Class {
	k := c.defineIn(outer, name, nil)
	k.module = true
	k.meta.super = c.module
	return k
}

func makeCore() *core {
	c := &core{}
	c.basicObject = newClass("BasicObject", nil)
	c.object = newClass("Object", c.basicObject)
	c.module = newClass("Module", c.object)
	c.class = newClass("Class", c.module)
	for _, k := range []*Class{c.basicObject, c.object, c.module, c.class} {
		k.core = true
		k.meta = newClass("", nil)
		k.meta.core, k.meta.singular, k.meta.of = true, true, k
		c.object.consts[k.name] = k
	}
	c.basicObject.meta.super = c.class
	c.object.meta.super, c.module.meta.super, c.class.meta.super = c.basicObject.meta, c.object.meta, c.module.meta
	newObject := func(t *Interp, k *Class) Value { return &Object{class: k} }
	c.basicObject.alloc, c.object.alloc = newObject, newObject
	c.kernel = c.mod(c.object, "Kernel")
	c.object.includes = []*Class{c.kernel}
	c.comparable = c.mod(c.object, "Comparable")
	c.enumerable = c.mod(c.object, "Enumerable")
	for _, fill := range fillers() {
		fill(c)
	}
	c.collectNames()
	return c
}

// fillers returns what fills the core, in an order in which each finds the classes it needs.
func fillers() []func(c *core) {
	return []func(c *core){
		exceptionClasses, kernelMethods, objectMethods, moduleMethods, comparableMethods, nilMethods, integerMethods, floatMethods, mathModule, stringMethods, stringMatchMethods,
		stringChangeMethods, stringCodeMethods, symbolMethods, regexpMethods, arrayMethods, arrayChangeMethods, arrayFindMethods, arrayMoreMethods, enumerableMethods, hashMethods, hashChangeMethods, hashEnumMethods,
		rangeMethods, procMethods, enumeratorMethods, structMethods, setMethods, timeMethods, dateMethods, jsonMethods, digestMethods, zlibMethods, networkMethods, uriMethods, fileMethods, scannerMethods, csvMethods, yamlMethods,
		systemMethods, httpMethods, marshalMethods, lruMethods, logstashMethods, eventMethods,
	}
}

// collectNames notes the names of all methods, so that code is told early about those that nothing has.
func (c *core) collectNames() {
	c.names = make(map[string]bool)
	seen := make(map[*Class]bool)
	var visit func(k *Class)
	visit = func(k *Class) {
		if seen[k] {
			return
		}
		seen[k] = true
		for name := range k.methods {
			c.names[name] = true
		}
		if k.meta != nil {
			visit(k.meta)
		}
		for _, v := range k.consts {
			if inner, ok := v.(*Class); ok {
				visit(inner)
			}
		}
	}
	visit(c.object)
	visit(c.basicObject)
}
