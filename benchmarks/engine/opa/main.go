// Times OPA's Go library on the set that bench.ts wrote into a folder: `engine-bench FOLDER COUNT`. Prints nanoseconds, one decision a line,
// and at last how many requests were allowed. Query prepared, data in OPA's own in-memory store, each request parsed before the clock starts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	folder := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	check(err)
	module, err := os.ReadFile(filepath.Join(folder, "policies.rego"))
	check(err)
	bytes, err := os.ReadFile(filepath.Join(folder, "data.json"))
	check(err)
	var data map[string]any
	check(json.Unmarshal(bytes, &data))
	ctx := context.Background()
	query, err := rego.New(
		rego.Query("data.bench.decision"),
		rego.Module("policies.rego", string(module)),
		rego.Store(inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))),
	).PrepareForEval(ctx)
	check(err)
	file, err := os.Open(filepath.Join(folder, "requests.rego.jsonl"))
	check(err)
	var inputs []ast.Value
	for lines := bufio.NewScanner(file); lines.Scan() && len(inputs) < count; {
		value, err := ast.ValueFromReader(strings.NewReader(lines.Text()))
		check(err)
		inputs = append(inputs, value)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for round := 0; round < 2; round++ {
		allowed := 0
		for _, input := range inputs {
			start := time.Now()
			results, err := query.Eval(ctx, rego.EvalParsedInput(input))
			took := time.Since(start).Nanoseconds()
			check(err)
			decision := results[0].Expressions[0].Value.(map[string]any)
			if decision["allow"].(bool) {
				allowed++
			}
			if round == 1 {
				fmt.Fprintln(out, took)
			}
		}
		if round == 1 {
			fmt.Fprintln(out, "allowed", allowed)
		}
	}
}
