package pb

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tensorwire/port/pb/pp"
	"tensorwire/port/pb/tensor"
	"tensorwire/port/pb/tp"
)

// The generated code is of the .proto files that stand in spec/proto: ../generate.sh makes it anew.
func TestGeneratedFromSpec(t *testing.T) {
	files := []protoreflect.FileDescriptor{
		tensor.File_tensor_proto, tp.File_tp_control_proto, pp.File_pp_contract_proto,
	}
	field := regexp.MustCompile(`(?m)^ +(?:(optional|repeated) )?([\w.]+) (\w+) = (\d+);`)
	for _, file := range files {
		source, err := os.ReadFile("../../../../spec/proto/" + file.Path())
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, match := range field.FindAllStringSubmatch(string(source), -1) {
			want = append(want, fmt.Sprint(match[1], " ", match[3], " ", match[4]))
		}
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				f := fields.Get(j)
				label := map[bool]string{f.IsList(): "repeated", f.HasOptionalKeyword(): "optional"}[true]
				got = append(got, fmt.Sprint(label, " ", f.Name(), " ", f.Number()))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s says\n%v, its Go code\n%v", file.Path(), want, got)
		}
	}
}
