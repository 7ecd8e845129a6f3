package bench

import (
	"reflect"
	"testing"
)

// Every number of a tally is merged.
func TestMergeTakesEverything(t *testing.T) {
	into, from := newTally(), newTally()
	v := reflect.ValueOf(from).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInt() {
			reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().SetInt(7)
		}
	}
	into.merge(from)
	for i := range v.NumField() {
		if f := reflect.ValueOf(into).Elem().Field(i); f.CanInt() && f.Int() != 7 {
			t.Errorf("%s is %d after the merge, want 7", v.Type().Field(i).Name, f.Int())
		}
	}
}
