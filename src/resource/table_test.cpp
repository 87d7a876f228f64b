#include "resource/table.hpp"

#include "testing/core_db.hpp"

namespace resource {

namespace {

enum class Colour : std::uint8_t { red, green };
constexpr base::Word<Colour> kColours[] = {{Colour::red, "RED"}, {Colour::green, "GREEN"}};
constexpr std::span<const base::Word<Colour>> words_of(Colour) { return kColours; }

using WidgetId = base::Id<struct WidgetTag>;

struct Widget {
  WidgetId id{};
  std::string name{};
  std::optional<std::string> note{};
  Colour colour = Colour::red;
  std::chrono::seconds period{60};
  std::optional<int> most{};
  std::vector<std::string> tags{};
  std::string filter{};
  base::Secret password{};
  std::int64_t version = 1;
  base::Time created{};
};

std::string secret_place(const Widget& widget, std::string_view column) {
  return "widgets|" + widget.id.str() + "|" + std::string(column);
}

constexpr Member<Widget> kMembers[] = {
    member<&Widget::id>("id").shown().key(),
    member<&Widget::name>("name", {.sentence = "What people call it.", .max = 10, .required = true}),
    member<&Widget::note>("note", {.max = 20}),
    member<&Widget::colour>("colour"),
    member<&Widget::period>("period_seconds", {.min = 1, .max = 120}),
    member<&Widget::most>("most", {.min = 1, .max = 64}).in_column("at_most"),
    member<&Widget::tags>("tags", {.max = 3}),
    json_member<&Widget::filter>("filter", {.schema = "Filter"}),
    secret_member<&Widget::password>("password", {.schema = "Password"})
        .read_by([](format::ObjectReader& from, std::string_view name, const Said&, Widget& to) {
          to.password = base::Secret(from.text(name, 50).value_or(""));
          return true;
        }),
    member<&Widget::version>("version").stored().version(),
    member<&Widget::created>("created_at").shown().fixed(),
};

const Table<Widget>& widgets() {
  static const Table<Widget> table("widgets", kMembers);
  return table;
}

/// There before the first store, so that OpenSSL outlives the threads that use it.
const crypto::KeyRing kRing = crypto::KeyRing::parse(crypto::KeyRing::generate_entry("test")).value();
const base::Time kNow = base::parse_rfc3339("2026-01-02T03:04:05Z").value();

Widget make_widget() {
  return {.id = WidgetId::make(kNow), .name = "a", .password = base::Secret("open"), .created = kNow};
}

struct Read {
  Widget widget{};
  std::string problems{};
};

/// A request as it changes a widget; what is wrong with it as "pointer CODE" lines.
Read read_from(const std::string& body, format::Reading reading, Widget before = {}) {
  const auto document = format::parse_json(body);
  format::ObjectReader reader(document->root(), "#");
  Read result{.widget = std::move(before)};
  widgets().read(reader, reading, Widget{}, result.widget);
  if (auto finished = reader.finish(); !finished) {
    for (const auto& field : finished.error().fields)
      result.problems += field.pointer + " " + field.code + "\n";
  }
  return result;
}

std::string json_of(const Widget& widget) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  widgets().write(json, widget);
  json.end_object();
  return text;
}

}  // namespace

TEST(Table, reads_a_whole_with_defaults) {
  const Read made =
      read_from(R"({"name": "b", "colour": "GREEN", "note": null, "tags": ["x"]})", format::Reading::whole,
                {.note = "old", .period = std::chrono::seconds{5}, .most = 7});
  EXPECT_EQ(made.problems, "");
  EXPECT_EQ(made.widget.name, "b");
  EXPECT_EQ(made.widget.colour, Colour::green);
  EXPECT_EQ(made.widget.note, std::nullopt);
  EXPECT_EQ(made.widget.period, std::chrono::seconds{60});
  EXPECT_EQ(made.widget.most, std::nullopt);
  EXPECT_EQ(made.widget.tags, std::vector<std::string>{"x"});
}

TEST(Table, a_patch_leaves_what_is_absent_and_resets_what_is_null) {
  const Read changed = read_from(R"({"period_seconds": null, "most": 3})", format::Reading::patch,
                                 {.name = "a", .note = "old", .period = std::chrono::seconds{5}});
  EXPECT_EQ(changed.problems, "");
  EXPECT_EQ(changed.widget.name, "a");
  EXPECT_EQ(changed.widget.note, "old");
  EXPECT_EQ(changed.widget.period, std::chrono::seconds{60});
  EXPECT_EQ(changed.widget.most, 3);
}

TEST(Table, notes_all_that_does_not_fit) {
  struct Case {
    const char* body;
    const char* problems;
  };
  const Case cases[] = {
      {R"({})", "#/name REQUIRED\n"},
      {R"({"name": ""})", "#/name REQUIRED\n"},
      {R"({"name": "12345678901"})", "#/name TOO_LONG\n"},
      {R"({"name": 1})", "#/name WRONG_TYPE\n"},
      {R"({"name": "a", "colour": "BLUE", "period_seconds": 0})",
       "#/colour INVALID\n#/period_seconds OUT_OF_RANGE\n"},
      {R"({"name": "a", "tags": ["1", 2]})", "#/tags/1 INVALID\n"},
      {R"({"name": "a", "tags": ["1", "2", "3", "4"]})", "#/tags INVALID\n"},
      {R"({"name": "a", "id": "x"})", "#/id UNKNOWN_MEMBER\n"},
      {R"({"name": "a", "version": 3})", "#/version UNKNOWN_MEMBER\n"},
  };
  for (const Case& one : cases) EXPECT_EQ(read_from(one.body, format::Reading::whole).problems, one.problems);
  EXPECT_EQ(read_from(R"({"name": null})", format::Reading::patch).problems, "#/name REQUIRED\n");
}

TEST(Table, writes_what_may_be_seen) {
  Widget widget = make_widget();
  widget.filter = R"({"a": 1})";
  EXPECT_EQ(json_of(widget),
            R"({"id":")" + widget.id.str() +
                R"(","name":"a","note":null,"colour":"RED","period_seconds":60,"most":null,"tags":[],)"
                R"("filter":{"a": 1},"password":{"set":true},"created_at":"2026-01-02T03:04:05.000Z"})");
}

TEST(Table, copies_every_member) {
  Widget widget = make_widget();
  widget.tags = {"x"};
  const Widget twin = widgets().copy(widget);
  EXPECT_EQ(json_of(twin), json_of(widget));
  EXPECT_EQ(twin.password.reveal(), "open");
}

TEST(Table, describes_itself) {
  const auto properties = [](bool input) {
    std::string text;
    format::JsonWriter json(text);
    json.begin_object();
    widgets().write_properties(json, input);
    json.end_object();
    return text;
  };
  const std::string input = properties(true);
  for (const char* part :
       {R"("name":{"type":"string","minLength":1,"maxLength":10,"description":"What people call it."})",
        R"("colour":{"type":["string","null"],"enum":["RED","GREEN",null]})",
        R"("period_seconds":{"type":["integer","null"],"minimum":1,"maximum":120})",
        R"("filter":{"oneOf":[{"$ref":"#/components/schemas/Filter"},{"type":"null"}]})",
        R"("password":{"oneOf":[{"$ref":"#/components/schemas/Password"},{"type":"null"}]})"}) {
    EXPECT_TRUE(input.contains(part)) << part << " in " << input;
  }
  EXPECT_FALSE(input.contains("created_at"));
  const std::string output = properties(false);
  for (const char* part :
       {R"("id":{"type":"string","format":"uuid"})", R"("colour":{"type":"string","enum":["RED","GREEN"]})",
        R"("password":{"type":["object","null"],"properties":{"set")",
        R"("created_at":{"type":"string","format":"date-time"})"}) {
    EXPECT_TRUE(output.contains(part)) << part << " in " << output;
  }
  EXPECT_FALSE(output.contains("version"));
}

class StoredTable : public ::testing::StoreTest {
 protected:
  StoredTable() {
    store.write([](db::Tx& tx) {
      return tx.script(
          "DROP TABLE IF EXISTS widgets; CREATE TABLE widgets (id UUID PRIMARY KEY, name TEXT, note TEXT, "
          "colour TEXT,"
          " period_seconds BIGINT, at_most BIGINT, tags TEXT, filter TEXT, password TEXT,"
          " version BIGINT, created_at BIGINT)");
    });
  }
  base::Result<void> load(Widget& to) {
    base::Result<void> loaded;
    store.read([&](db::Tx& tx) {
      return tx.query(widgets().select(), {},
                      [&](const db::Row& row) { loaded = widgets().load(row, &kRing, to); });
    });
    return loaded;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, StoredTable, ::testing::both_engines(), ::testing::engine_name);

TEST_P(StoredTable, comes_back_as_it_was_written) {
  Widget widget = make_widget();
  widget.most = 3;
  widget.tags = {"x", "\"y\""};
  store.write([&](db::Tx& tx) { return widgets().insert(tx, &kRing, widget); });
  Widget read;
  ASSERT_TRUE(load(read));
  EXPECT_EQ(json_of(read), json_of(widget));
  EXPECT_EQ(read.password.reveal(), "open");
  EXPECT_FALSE(store.text("SELECT password FROM widgets").contains("open"));
}

TEST_P(StoredTable, is_changed_where_the_version_is_one_less) {
  Widget widget = make_widget();
  store.write([&](db::Tx& tx) { return widgets().insert(tx, &kRing, widget); });
  widget.name = "b";
  widget.created = kNow + std::chrono::hours{1};
  widget.version = 2;
  const auto update = [&] {
    return store.write([&](db::Tx& tx) { return widgets().update(tx, &kRing, widget); });
  };
  EXPECT_TRUE(update());
  EXPECT_FALSE(update());
  Widget read;
  ASSERT_TRUE(load(read));
  EXPECT_EQ(read.name, "b");
  EXPECT_EQ(read.created, kNow) << "written once";
}

TEST_P(StoredTable, says_what_is_damaged_and_reads_the_rest) {
  store.write([&](db::Tx& tx) { return widgets().insert(tx, &kRing, make_widget()); });
  store.write([](db::Tx& tx) {
    return tx.exec("UPDATE widgets SET colour = 'BLUE', tags = '[', period_seconds = 5, version = 9");
  });
  Widget read;
  const auto loaded = load(read);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, base::Code::corrupt);
  EXPECT_TRUE(loaded.error().message.contains("'BLUE'")) << loaded.error().message;
  EXPECT_EQ(read.period, std::chrono::seconds{5});
  EXPECT_EQ(read.version, 9);
}

}  // namespace resource
