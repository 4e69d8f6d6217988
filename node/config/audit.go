package config

// AuditStderr is the value of Audit.File for records on stderr.
const AuditStderr = "stderr"

// Audit is the record of who did what, one JSON line for each call.
type Audit struct {
	// File is the file for the records, or `stderr`. Empty: no records. Its folder is
	// created if it does not exist. A reload opens the file again.
	File string `yaml:"file" path:"file"`
	// MaxBytes is the size at which the file is renamed to FILE.1 and a new one is
	// started; 0 means 100 MiB.
	MaxBytes int64 `yaml:"max_bytes" check:"min=0"`
	// MaxFiles is how many files are kept, with the one that is being written; 0
	// means 10.
	MaxFiles int `yaml:"max_files" check:"min=0"`
	// Reads also records calls that change nothing, such as DiscoverInstances.
	Reads bool `yaml:"reads"`
}

func (a *Audit) check(k *checker) {
	if a.File == "" && *a != (Audit{}) {
		k.failHidden("audit", "has no file")
	}
}
