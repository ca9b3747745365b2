import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider;
import com.jayway.jsonpath.spi.json.JacksonJsonProvider;
import com.jayway.jsonpath.spi.json.JsonProvider;
import com.jayway.jsonpath.spi.mapper.JacksonMappingProvider;
import java.io.File;
import java.io.PrintStream;

/** Writes the answers of Jayway JsonPath 2.4.0 to the paths of cases.json: over JsonNode, and over Java's maps where that differs. */
public class Record {
    static final ObjectMapper MAPPER = new ObjectMapper();

    static ObjectNode answer(JsonProvider provider, Object document, String path) {
        ObjectNode answer = MAPPER.createObjectNode();
        Configuration configuration =
            Configuration.builder().jsonProvider(provider).mappingProvider(new JacksonMappingProvider(MAPPER)).build();
        JsonPath compiled;
        try {
            compiled = JsonPath.compile(path);
        } catch (Exception error) {
            return answer.put("refused", String.valueOf(error.getMessage()));
        }
        try {
            answer.set("value", MAPPER.valueToTree(JsonPath.using(configuration).parse(document).read(compiled)));
        } catch (Exception error) {
            answer.put("fails", String.valueOf(error.getMessage()));
        }
        return answer;
    }

    static boolean differ(ObjectNode one, ObjectNode other) {
        return one.has("value") || other.has("value") ? !one.equals(other) : one.has("refused") != other.has("refused");
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        JsonNode cases = MAPPER.readTree(new File(args[0]));
        for (String name : (Iterable<String>) () -> cases.get("paths").fieldNames()) {
            for (JsonNode path : cases.get("paths").get(name)) {
                // A copy: some functions change what they are applied to.
                JsonNode document = cases.get("documents").get(name).deepCopy();
                ObjectNode nodes = answer(new JacksonJsonNodeJsonProvider(MAPPER), document, path.asText());
                Object plain = MAPPER.convertValue(cases.get("documents").get(name), Object.class);
                ObjectNode maps = answer(new JacksonJsonProvider(MAPPER), plain, path.asText());
                ObjectNode line = MAPPER.createObjectNode().put("document", name).put("path", path.asText());
                line.setAll(nodes);
                if (differ(nodes, maps)) {
                    line.set("or", maps);
                }
                out.println(MAPPER.writeValueAsString(line));
            }
        }
    }
}
