        public void reset() {
            value.lazySet(0);
        }
