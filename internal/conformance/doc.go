// Package conformance runs all recorded cases of the folder conformance with all plugins of the program.
package conformance
