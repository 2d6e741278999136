        public JsonValue get(String name) {
            Objects.requireNonNull(name, "name");
            return members.get(name);
        }
