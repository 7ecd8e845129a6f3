// Package file writes files whole or not at all.
package file

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace puts b in the place of the file at path: who reads it, also after a crash, finds
// the old content or the new one. It is readable by its owner only.
func Replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
