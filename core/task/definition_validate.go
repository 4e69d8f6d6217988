package task

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Limits of a task definition; see "Amazon ECS endpoints and quotas" in the AWS General
// Reference.
const (
	maxDefinitionBytes = 65536 // of the JSON text
	maxContainers      = 10
	maxTaskCPU         = 192 << 10 // CPU units
	maxTaskMemory      = 16 << 20  // MiB
	maxFamilyRevisions = 1_000_000
	maxPlacementRules  = 10
	minStorageGiB      = 21
	maxStorageGiB      = 200
	// maxSeconds bounds times in a definition for which AWS has no limit.
	maxSeconds = 86400
	maxUint16  = 65535
)

var namePattern = newPattern(`[a-zA-Z0-9_-]`, 255)

// invalid returns the error of a task definition that breaks a rule.
func invalid(format string, args ...any) error { return NewError(ClientError, format, args...) }

// validate checks a definition that has been normalized. The limit is the largest number
// of containers.
func (d *Definition) validate(containers int) error {
	return firstError(
		d.checkFamily,
		d.checkSize,
		func() error { return d.checkContainers(containers) },
		d.checkTaskSize,
		d.checkMemory,
		d.checkCPU,
		d.checkNetwork,
		d.checkDependencies,
		func() error { return d.eachContainer((*ContainerDefinition).checkTimes) },
		d.checkVolumes,
		d.checkLogging,
		d.checkRest,
		d.checkFargate,
		d.checkStorage,
	)
}

func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// eachContainer runs a check on all containers.
func (d *Definition) eachContainer(check func(*ContainerDefinition) error) error {
	for i := range d.ContainerDefinitions {
		if err := check(&d.ContainerDefinitions[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Definition) checkFamily() error {
	if d.Family == "" {
		return invalid("Family should not be null or empty.")
	}
	if !namePattern.MatchString(d.Family) {
		return invalid("Family contains invalid characters. %s must match %s", quote(d.Family), namePattern)
	}
	return nil
}

// checkSize bounds the work of all other checks, so it comes early.
func (d *Definition) checkSize() error {
	text, err := json.Marshal(d)
	if err != nil {
		return invalid("The task definition cannot be written as JSON: %s", err)
	}
	if len(text) > maxDefinitionBytes {
		return invalid("Actual length: '%d'. Max allowed length is '%d' bytes.", len(text), maxDefinitionBytes)
	}
	return nil
}

func (d *Definition) checkContainers(most int) error {
	list := d.ContainerDefinitions
	if len(list) == 0 {
		return invalid("Container list cannot be empty")
	}
	if most > 0 && len(list) > most {
		return invalid("containerDefinitions has %d containers: a task definition can have at most %d", len(list), most)
	}
	if err := d.eachContainer((*ContainerDefinition).checkName); err != nil {
		return err
	}
	names, essential := map[string]bool{}, false
	for i := range list {
		if names[list[i].Name] {
			return invalid("Container names must be unique within a task definition")
		}
		names[list[i].Name] = true
		essential = essential || deref(list[i].Essential)
	}
	if !essential {
		return invalid("Task definition doesn't have any essential container")
	}
	return nil
}

func (c *ContainerDefinition) checkName() error {
	switch {
	case c.Name == "":
		return invalid("Container.name should not be null or empty.")
	case !namePattern.MatchString(c.Name):
		return invalid("Container.name contains invalid characters. %s must match %s", quote(c.Name), namePattern)
	case c.Image == "":
		return invalid("Container.image should not be null or empty.")
	case len(c.Image) > 255:
		return invalid("Container.image has %d characters for container '%s': it can have at most 255", len(c.Image), c.Name)
	case strings.ContainsFunc(c.Image, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.HasPrefix(c.Image, "-"):
		return invalid("Container.image contains invalid characters. %s for container '%s' must be the name of an image", quote(c.Image), c.Name)
	}
	return nil
}

// container returns the container with that name, or nil.
func (d *Definition) container(name string) *ContainerDefinition {
	i := slices.IndexFunc(d.ContainerDefinitions, func(c ContainerDefinition) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &d.ContainerDefinitions[i]
}

func (d *Definition) checkTaskSize() error { return checkTaskSize(d.CPU, d.Memory) }

func checkTaskSize(cpu, memory string) error {
	if err := checkSetting("cpu", cpu, maxTaskCPU, "units of CPU, such as 256, or vCPUs, such as 0.25 vCPU"); err != nil {
		return err
	}
	return checkSetting("memory", memory, maxTaskMemory, "MiB, such as 512, or GB, such as 0.5 GB")
}

func checkSetting(member, text string, most int, form string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return invalid("Invalid '%s' setting for task. %s must be a number of %s, from 1 to %d", member, quote(text), form, most)
	}
	return nil
}

// taskCPU returns the CPU units of the task, 0 without.
func (d *Definition) taskCPU() int64 { return number(d.CPU) }

// taskMemory returns the memory of the task in MiB, 0 without.
func (d *Definition) taskMemory() int64 { return number(d.Memory) }

// number returns a number that was checked when it was stored. "" is 0.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (d *Definition) checkMemory() error {
	task := d.taskMemory()
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if err := checkContainerMemory(c.Name, c.Memory, c.MemoryReservation); err != nil {
			return err
		}
		switch {
		case c.Memory == nil && c.MemoryReservation == nil && task == 0:
			return invalid("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", c.Name)
		case task > 0 && deref(c.Memory) > task:
			return invalid("The 'memory' setting for container '%s' is greater than for the task", c.Name)
		case task > 0 && deref(c.MemoryReservation) > task:
			return invalid("The 'memoryReservation' setting for container '%s' is greater than for the task", c.Name)
		case c.Memory != nil && deref(c.MemoryReservation) > *c.Memory:
			return invalid("'memory' must be greater than or equal to 'memoryReservation'")
		}
	}
	return nil
}

// checkContainerMemory checks the numbers of MiB of a container by themselves.
func checkContainerMemory(name string, memory, reservation *int64) error {
	if outside(memory, 4, maxTaskMemory) {
		return invalid("Invalid 'memory' setting for container '%s'. %d MiB is not from 4 to %d", name, *memory, maxTaskMemory)
	}
	if outside(reservation, 4, maxTaskMemory) {
		return invalid("Invalid 'memoryReservation' setting for container '%s'. %d MiB is not from 4 to %d", name, *reservation, maxTaskMemory)
	}
	return nil
}

func checkContainerCPU(name string, cpu *int64) error {
	if outside(cpu, 0, maxTaskCPU) {
		return invalid("Invalid 'cpu' setting for container '%s'. %d is not from 0 to %d", name, *cpu, maxTaskCPU)
	}
	return nil
}

// outside reports whether an optional number is not in a range.
func outside(n *int64, from, to int64) bool { return n != nil && (*n < from || *n > to) }

func (d *Definition) checkCPU() error {
	var sum int64
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if err := checkContainerCPU(c.Name, c.CPU); err != nil {
			return err
		}
		sum += deref(c.CPU)
	}
	if task := d.taskCPU(); task > 0 && sum > task {
		return invalid("The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value")
	}
	return nil
}

func (d *Definition) checkStorage() error {
	if d.EphemeralStorage == nil {
		return nil
	}
	switch size := deref(d.EphemeralStorage.SizeInGiB); {
	case size < minStorageGiB:
		return invalid("EphemeralStorage size should be at least %d", minStorageGiB)
	case size > maxStorageGiB:
		return invalid("EphemeralStorage size should be at most %d", maxStorageGiB)
	}
	return nil
}

// quote returns a value in quotes for a message, shortened, without control characters.
func quote(text string) string {
	const most = 100
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strconv.Quote(text)
}

// control reports whether a text has a control character that is not one of those
// allowed.
func control(text, allowed string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return (r < ' ' || r == 0x7f) && !strings.ContainsRune(allowed, r) })
}
