#include <gtest/gtest.h>

#include <map>
#include <set>

#include "api/api.hpp"
#include "api/core/documents.hpp"
#include "api/schemas.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "format/json.hpp"
#include "outbound/delivery/verdict.hpp"
#include "outbound/history/query.hpp"

namespace api {

namespace {

using format::Value;
using Scope = Access::Scope;

const Value& document() {
  static const format::Document parsed = format::parse_json(std::string(openapi_document())).value();
  return parsed.root();
}

/// The value at a path of keys; a test that asks for what is not there fails.
const Value& at(const Value& from, std::initializer_list<std::string_view> keys) {
  static const Value nothing;
  const Value* value = &from;
  for (const std::string_view key : keys) {
    value = value->is_object() ? value->find(key) : nullptr;
    if (value == nullptr) {
      ADD_FAILURE() << "no member '" << key << "'";
      return nothing;
    }
  }
  return *value;
}

std::string text_of(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  return value != nullptr && value->is_string() ? std::string(value->text()) : std::string();
}

std::set<std::string> texts(const Value& array) {
  std::set<std::string> result;
  for (const Value& element : array.elements()) result.emplace(element.text());
  return result;
}

/// The value itself, or what its $ref points to.
const Value& resolved(const Value& value) {
  const std::string reference = value.is_object() ? text_of(value, "$ref") : "";
  if (reference.empty()) return value;
  const Value* target = &document();
  for (std::string_view rest = std::string_view(reference).substr(2); target != nullptr && !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    target = target->find(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  EXPECT_NE(target, nullptr) << reference;
  return target != nullptr ? *target : value;
}

template <class Visit>
void for_each_value(const Value& value, const Visit& visit) {
  visit(value);
  for (const Value& element : value.elements()) for_each_value(element, visit);
  for (const format::Member& member : value.members()) for_each_value(member.value, visit);
}

/// "/a/:id" as the document writes it: "/a/{id}".
std::string documented(std::string_view pattern) {
  std::string path;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/', 1), pattern.size());
    const std::string_view segment = pattern.substr(1, end - 1);
    path +=
        segment.starts_with(':') ? "/{" + std::string(segment.substr(1)) + "}" : "/" + std::string(segment);
    pattern.remove_prefix(end);
  }
  return path;
}

/// One operation of the document with the path item it stands in.
struct Operation {
  std::string name;  // "get /a/{id}"
  const Value* item = nullptr;
  const Value* value = nullptr;
};

std::vector<Operation> operations() {
  static const std::set<std::string_view> kMethods = {"get",   "put",  "post",   "delete",
                                                      "patch", "head", "options"};
  std::vector<Operation> result;
  for (const auto& [path, item] : at(document(), {"paths"}).members()) {
    for (const auto& [method, operation] : item.members()) {
      if (kMethods.contains(method))
        result.push_back({std::string(method) + " " + std::string(path), &item, &operation});
    }
  }
  return result;
}

/// The operation of a route; its value is null where there is none.
Operation operation_of(const Route& route) {
  const std::string name = base::lower_ascii(route.at.method) + " " + documented(route.at.pattern);
  for (Operation& operation : operations()) {
    if (operation.name == name) return operation;
  }
  return {name};
}

/// Name and place ("header X-Tenant-Id") of the parameters of an operation, those of its path among them.
std::map<std::string, const Value*> parameters_of(const Operation& operation) {
  std::map<std::string, const Value*> result;
  for (const Value* owner : {operation.item, operation.value}) {
    const Value* list = owner->find("parameters");
    if (list == nullptr) continue;
    for (const Value& element : list->elements()) {
      const Value& parameter = resolved(element);
      result[text_of(parameter, "in") + " " + text_of(parameter, "name")] = &parameter;
    }
  }
  return result;
}

TEST(OpenApi, is_of_this_version_of_the_program) {
  EXPECT_EQ(text_of(document(), "openapi"), "3.1.0");
  EXPECT_EQ(at(document(), {"info", "version"}).text(), CROSSDOCK_VERSION);
}

TEST(OpenApi, has_every_route) {
  for (const Route& route : routes()) {
    const Operation operation = operation_of(route);
    EXPECT_NE(operation.value, nullptr) << operation.name << " is not in api/openapi.json";
  }
}

TEST(OpenApi, has_no_operation_without_a_route) {
  std::set<std::string> routes;
  for (const Route& route : api::routes()) routes.insert(operation_of(route).name);

  for (const Operation& operation : operations()) {
    EXPECT_TRUE(routes.contains(operation.name)) << operation.name << " has no route";
  }
}

TEST(OpenApi, declares_the_parameters_of_its_paths) {
  for (const Operation& operation : operations()) {
    std::set<std::string> declared;
    for (const auto& [name, parameter] : parameters_of(operation)) {
      if (!name.starts_with("path ")) continue;
      declared.insert(name.substr(5));
      EXPECT_TRUE(at(*parameter, {"required"}).boolean()) << operation.name << " " << name;
    }
    std::set<std::string> in_path;
    for (std::string_view rest = operation.name; rest.find('{') != std::string_view::npos;) {
      rest.remove_prefix(rest.find('{') + 1);
      in_path.emplace(rest.substr(0, rest.find('}')));
    }
    EXPECT_EQ(declared, in_path) << operation.name;
  }
}

TEST(OpenApi, describes_every_operation) {
  std::set<std::string> ids;
  for (const Operation& operation : operations()) {
    EXPECT_TRUE(ids.insert(text_of(*operation.value, "operationId")).second)
        << operation.name << ": id used twice";
    EXPECT_FALSE(text_of(*operation.value, "operationId").empty()) << operation.name;
    EXPECT_FALSE(text_of(*operation.value, "summary").empty()) << operation.name;
    EXPECT_FALSE(text_of(*operation.value, "description").empty()) << operation.name;
    EXPECT_NE(at(*operation.value, {"responses"}).find("default"), nullptr) << operation.name;
  }
}

TEST(OpenApi, names_the_permission_that_each_route_asks_for) {
  for (const Route& route : routes()) {
    const Operation operation = operation_of(route);
    ASSERT_NE(operation.value, nullptr) << operation.name;
    const Value& security = at(*operation.value, {"security"});
    const bool open = route.access.is_open();
    ASSERT_EQ(security.elements().size(), open ? 0U : 1U) << operation.name;
    if (open) continue;

    const std::set<std::string> wanted = {std::string(tenant::name(route.access.permission))};
    EXPECT_EQ(texts(at(security.elements().front(), {"apiKey"})), wanted) << operation.name;
  }
}

TEST(OpenApi, tells_how_access_is_refused_where_it_can_be) {
  for (const Route& route : routes()) {
    const Operation operation = operation_of(route);
    ASSERT_NE(operation.value, nullptr) << operation.name;
    const bool can_be_refused = !route.access.is_open();
    const Value& responses = at(*operation.value, {"responses"});

    // What outside systems send is refused by its signature.
    const bool is_signed = route.at.pattern.starts_with("/webhooks/") && route.at.method == "POST";
    EXPECT_EQ(responses.find("401") != nullptr, can_be_refused || is_signed) << operation.name;
    EXPECT_EQ(responses.find("403") != nullptr, can_be_refused) << operation.name;
  }
}

TEST(OpenApi, takes_a_tenant_where_the_route_is_about_one) {
  for (const Route& route : routes()) {
    const Operation operation = operation_of(route);
    ASSERT_NE(operation.value, nullptr) << operation.name;
    const bool about_a_tenant = route.access.scope == Scope::tenant || route.access.scope == Scope::any_key;

    EXPECT_EQ(parameters_of(operation).contains("header X-Tenant-Id"), about_a_tenant) << operation.name;
  }
}

TEST(OpenApi, gives_every_answer_its_request_id) {
  for (const Operation& operation : operations()) {
    for (const auto& [status, response] : at(*operation.value, {"responses"}).members()) {
      EXPECT_NE(at(resolved(response), {"headers"}).find("X-Request-Id"), nullptr)
          << operation.name << " " << status;
    }
  }
}

TEST(OpenApi, lists_the_codes_of_all_problems_and_no_others) {
  std::set<std::string> codes;
  for (const ProblemKind& kind : problem_kinds()) codes.emplace(kind.code);

  EXPECT_EQ(texts(at(document(), {"components", "schemas", "ProblemCode", "enum"})), codes);
}

TEST(OpenApi, lists_the_roles_and_scopes_that_keys_can_have) {
  for (const std::string& role : texts(at(document(), {"components", "schemas", "Role", "enum"}))) {
    EXPECT_TRUE(base::parse_word<tenant::Role>(role)) << role;
  }
  std::set<std::string> scopes;
  for (std::size_t i = 0; i < tenant::kPermissionCount; ++i) {
    scopes.emplace(tenant::name(static_cast<tenant::Permission>(i)));
  }
  EXPECT_EQ(texts(at(document(), {"components", "schemas", "Scope", "enum"})), scopes);
}

TEST(OpenApi, refers_only_to_what_it_has) {
  for_each_value(document(), [](const Value& value) { resolved(value); });
}

TEST(OpenApi, uses_every_component) {
  std::set<std::string> used;
  for_each_value(document(), [&](const Value& value) {
    if (value.is_object() && value.find("$ref") != nullptr) used.insert(text_of(value, "$ref"));
  });

  for (const auto& [kind, components] : at(document(), {"components"}).members()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, component] : components.members()) {
      const std::string reference = "#/components/" + std::string(kind) + "/" + std::string(name);
      EXPECT_TRUE(used.contains(reference)) << reference << " is used by nobody";
    }
  }
}

TEST(OpenApi, tells_receivers_what_they_get) {
  const Value& post = at(document(), {"webhooks", "delivery", "post"});
  std::set<std::string> headers;
  for (const Value& parameter : at(post, {"parameters"}).elements())
    headers.insert(text_of(parameter, "name"));
  std::set<std::string> bodies;
  const Value& schema = at(post, {"requestBody", "content", "application/json", "schema", "anyOf"});
  for (const Value& body : schema.elements()) bodies.insert(text_of(body, "$ref"));

  EXPECT_TRUE(headers.contains("webhook-id"));
  EXPECT_TRUE(headers.contains("webhook-timestamp"));
  EXPECT_TRUE(headers.contains("webhook-signature"));
  EXPECT_TRUE(bodies.contains("#/components/schemas/StandardBody"));
  EXPECT_TRUE(bodies.contains("#/components/schemas/EntityBody"));
}

TEST(Problems, have_a_page_of_their_own_each) {
  std::set<std::string_view> slugs;
  for (const ProblemKind& kind : problem_kinds()) {
    std::string slug = base::lower_ascii(kind.code);
    std::ranges::replace(slug, '_', '-');
    EXPECT_EQ(kind.slug, slug) << kind.code;
    EXPECT_TRUE(slugs.insert(kind.slug).second) << kind.slug << " is used twice";
    EXPECT_FALSE(kind.title.empty()) << kind.code;
    EXPECT_FALSE(kind.explanation.empty()) << kind.code;
    EXPECT_GE(kind.status, 400) << kind.code;
  }
}

TEST(Problems, are_told_with_a_type_that_leads_to_their_page) {
  for (const ProblemKind& kind : problem_kinds()) {
    const auto told = format::parse_json(problem_json(kind, {}, {.instance = "/x", .request_id = "r1"}));
    ASSERT_TRUE(told) << kind.code;

    EXPECT_EQ(text_of(told->root(), "type"), "/problems/" + std::string(kind.slug));
    EXPECT_EQ(text_of(told->root(), "code"), kind.code);
    EXPECT_EQ(at(told->root(), {"status"}).integer(), kind.status);
    EXPECT_EQ(text_of(told->root(), "request_id"), "r1");
  }
}

/// The same value, whatever the order of members.
bool are_equal(const Value& one, const Value& other) {
  if (one.is_object() != other.is_object() || one.is_array() != other.is_array()) return false;
  if (one.is_object()) {
    return one.members().size() == other.members().size() &&
           std::ranges::all_of(one.members(), [&](const format::Member& member) {
             const Value* twin = other.find(member.key);
             return twin != nullptr && are_equal(member.value, *twin);
           });
  }
  if (one.is_array()) return std::ranges::equal(one.elements(), other.elements(), are_equal);
  return one.raw() == other.raw();
}

TEST(OpenApi, says_of_resources_what_their_tables_say) {
  const auto tables = format::parse_json(table_schemas());
  ASSERT_TRUE(tables);
  for (const auto& [name, members] : tables->root().members()) {
    const Value& schema = at(document(), {"components", "schemas", name});
    for (const auto& [member, described] : members.members()) {
      const Value* said = at(schema, {"properties"}).find(member);
      ASSERT_NE(said, nullptr) << name << "." << member << " is not in api/openapi.json; run make openapi";
      EXPECT_TRUE(are_equal(*said, described))
          << name << "." << member << " says in api/openapi.json\n  " << said->raw()
          << "\nand by its table\n  " << described.raw() << "\nmake openapi puts that there";
    }
  }
}

TEST(OpenApi, lists_the_error_classes_that_there_are) {
  std::set<std::string> known;
  for (const std::string_view word : outbound::error_classes()) known.emplace(word);
  EXPECT_EQ(texts(at(document(), {"components", "schemas", "ErrorClass", "enum"})), known);
}

TEST(OpenApi, has_the_members_of_filters_in_lists_and_replays) {
  const Value& filter = at(document(), {"components", "schemas", "ReplayFilter", "properties"});
  std::set<std::string> listed;
  for (const Operation& operation : operations()) {
    if (operation.name != "get /api/v1/webhooks/deliveries") continue;
    for (const auto& [name, parameter] : parameters_of(operation)) listed.insert(name);
  }
  for (const std::string_view name : outbound::filter_members()) {
    EXPECT_NE(filter.find(name), nullptr) << name;
    // Names from before, which filters had.
    if (name == "since" || name == "until") continue;
    EXPECT_TRUE(listed.contains("query " + std::string(name))) << name;
  }
}

}  // namespace

}  // namespace api
