package endpoint

import (
	"errors"
	"net/http"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

// protect changes the protection of the task, if its role may do so.
func (h *handler) protect(r *http.Request, enabled bool, minutes int64) error {
	v, ok := h.look()
	if !ok {
		return errors.New("task not found")
	}
	rules := h.cfg.Rules()
	if rules.Task.Authorize != nil && !h.cfg.Open {
		role := v.role()
		if role == "" {
			return errors.New("the task has no role that may call ecs:UpdateTaskProtection")
		}
		err := rules.Task.Authorize(state.NewView(h.cfg.Replica.Current().State, rules), &task.Authorization{
			Account: h.account, Role: role, Session: h.id,
			Action: "ecs:UpdateTaskProtection", Resource: rules.Task.TaskARN(h.account, h.cluster, h.id),
		})
		if err != nil {
			return err
		}
	}
	reply, err := h.cfg.Replica.Propose(r.Context(), h.account, &task.UpdateTaskProtection{
		Cluster: h.cluster, Tasks: []string{h.id}, Enabled: enabled, Minutes: int(minutes),
	})
	if err != nil {
		return err
	}
	if result, ok := reply.Value.(*task.RunResult); ok && len(result.Failures) > 0 {
		return errors.New(result.Failures[0].Reason + " " + result.Failures[0].Detail)
	}
	return nil
}

// role returns the role of the task.
func (v *view) role() string { return roleOf(v.task, v.definition) }

// roleOf returns the role of a task, which its overrides may replace.
func roleOf(t *task.Task, d *task.Definition) string {
	if o := t.Overrides; o != nil && o.TaskRoleARN != "" {
		return o.TaskRoleARN
	}
	return d.TaskRoleARN
}
