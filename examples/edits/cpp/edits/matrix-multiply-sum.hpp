template <typename T, std::size_t R, std::size_t N, std::size_t C>
Matrix<T, R, C> multiply(const Matrix<T, R, N>& a, const Matrix<T, N, C>& b)
{
    Matrix<T, R, C> result;
    for (std::size_t r = 0; r < R; ++r)
        for (std::size_t c = 0; c < C; ++c) {
            T sum{};
            for (std::size_t i = 0; i < N; ++i)
                sum += a.at(r, i) * b.at(i, c);
            result.at(r, c) = sum;
        }
    return result;
}
