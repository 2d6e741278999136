        double fromKelvin(double kelvin) {
            if (kelvin < 0) {
                throw new IllegalArgumentException("below absolute zero");
            }
            return kelvin - 273.15;
        }
